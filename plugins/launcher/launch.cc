// Problem. An image or a release has a CUDA build and a CPU build of a program; on each machine the
// right one has to run, at once, and a machine that is a little different has to get something that
// works and one line that says so.
//
// Idea. What a build does, on the real machine: find out what it supports, let the engine judge the
// shipped rows and order them, ask the loader about the first of the chain, and the next, and
// execve.
//
// Invariant. A variant that the engine refuses is never started, whoever asks for it. After execve
// there is no launcher any more: a program that fails by itself, by an exit code or a signal, is
// not a reason to start another one.
//
// Cost. See docs/launcher.md.

#include "plugins/launcher/launch.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "plugins/base/child_process.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/launcher/host.h"
#include "plugins/launcher/manifest.h"
#include "plugins/launcher/preflight.h"
#include "plugins/sdk/launcher.pb.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/engine.h"
#include "plugins/select/explain.h"

namespace rules_inference::launcher {
namespace {

std::string ReadEnvironment(absl::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? "" : value;
}

// A variant that was not started, for the line about it.
struct Skipped {
  std::string name;
  std::string verb;
  std::string why;
};

std::string JoinSkipped(const std::vector<Skipped>& skipped, bool with_verb) {
  return absl::StrJoin(skipped, ", ", [with_verb](std::string* out, const Skipped& item) {
    absl::StrAppend(out, item.name, " ", with_verb ? item.verb : "", with_verb ? " (" : "(",
                    item.why, ")");
  });
}

class Launcher {
 public:
  Launcher(Installation installation, char** argv)
      : installation_(std::move(installation)), argv_(argv) {}

  absl::Status Run();

 private:
  const sdk::LauncherManifest& manifest() const { return installation_.manifest; }
  const sdk::Candidate* Find(absl::string_view name) const;
  void Print(absl::string_view text) const { std::fwrite(text.data(), 1, text.size(), stderr); }
  absl::Status Ask();
  absl::StatusOr<std::string> ProgramOf(int row);
  // Returns when the program cannot be started, and says why.
  std::string Start(const std::string& program, const std::string& variant);

  const Installation installation_;
  char** const argv_;
  base::RealFileSystem files_;
  bool explain_ = false;
  sdk::SelectRequest request_;
  sdk::SelectAnswer answer_;
};

const sdk::Candidate* Launcher::Find(absl::string_view name) const {
  for (const sdk::Candidate& candidate : answer_.candidates()) {
    if (candidate.name() == name) return &candidate;
  }
  return nullptr;
}

absl::Status Launcher::Ask() {
  const std::string explain = ReadEnvironment("INFERENCE_EXPLAIN");
  explain_ = !explain.empty() && explain != "0";
  ASSIGN_OR_RETURN(const sdk::LauncherDetection detection,
                   FindHost(installation_, ReadEnvironment, files_, explain_));
  *request_.mutable_lock() = manifest().lock();
  *request_.mutable_host() = detection.host();
  request_.set_request(ReadEnvironment("INFERENCE_VARIANT"));
  *request_.mutable_chain() = manifest().chain();
  request_.set_devices(manifest().devices());
  request_.set_no_fallback(manifest().no_fallback());
  answer_ = select::Select(request_);
  if (explain_) {
    Print(select::Explain(request_, answer_));
    for (const std::string& note : detection.notes()) Print(absl::StrCat("note      ", note, "\n"));
  }
  if (answer_.error().empty()) return absl::OkStatus();
  absl::Status status = absl::FailedPreconditionError(answer_.error());
  // Without an explanation a machine that could not be asked looks like one that has nothing.
  if (!detection.notes().empty()) status = base::WithHint(status, detection.notes(0));
  return status;
}

absl::StatusOr<std::string> Launcher::ProgramOf(int row) {
  ASSIGN_OR_RETURN(const std::string directory, installation_.locate(manifest().directories(row)));
  if (!manifest().program().empty()) return base::JoinPath(directory, manifest().program());
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(directory));
  if (names.size() == 1) return base::JoinPath(directory, names[0]);
  return base::WithHint(
      base::Mismatch("launcher", manifest().lock().variants(row).name(),
                     absl::StrCat(names.size(), " entries in its archive"), "one file"),
      "name the program: variant_launcher(program = \"bin/...\")");
}

std::string Launcher::Start(const std::string& program, const std::string& variant) {
  std::vector<std::string> environment = base::EnvironmentWith("INFERENCE_VARIANT_CHOSEN", variant);
  std::vector<char*> pointers;
  for (std::string& entry : environment) pointers.push_back(entry.data());
  pointers.push_back(nullptr);
  std::string name = program;
  argv_[0] = name.data();
  std::fflush(stderr);
  execve(program.c_str(), argv_, pointers.data());
  return std::strerror(errno);
}

absl::Status Launcher::Run() {
  RETURN_IF_ERROR(Ask());
  const std::string& artifact = manifest().lock().artifact();
  std::vector<Skipped> skipped;
  for (const std::string& name : answer_.chain()) {
    const sdk::Candidate* candidate = Find(name);
    if (candidate == nullptr) continue;  // It is shipped for another platform only.
    if (candidate->has_reason()) {
      skipped.push_back({name, "cannot run here", candidate->reason().text()});
      continue;
    }
    const int row = static_cast<int>(candidate->row());
    ASSIGN_OR_RETURN(const std::string program, ProgramOf(row));
    const auto& sonames = manifest().lock().variants(row).properties().sonames();
    std::optional<std::string> why =
        WhyNotStart(files_, program, std::vector<std::string>(sonames.begin(), sonames.end()));
    if (!why.has_value()) {
      if (!skipped.empty()) {
        Print(absl::StrCat("inference: ", artifact, ": ", JoinSkipped(skipped, true), "; using ",
                           name, "\n"));
      }
      if (explain_) Print(absl::StrCat("starting  ", program, "\n"));
      why = Start(program, name);
    }
    if (explain_) Print(absl::StrCat("skipping  ", name, ": ", *why, "\n"));
    skipped.push_back({name, "cannot start", *why});
  }
  return absl::FailedPreconditionError(
      absl::StrCat("variant: ", artifact, " for ", request_.host().platform(), ": got none of ",
                   JoinSkipped(skipped, false), ", expected one that can be started"));
}

}  // namespace

absl::Status Launch(int argc, char** argv) {
  base::RealFileSystem files;
  ASSIGN_OR_RETURN(Installation installation,
                   FindInstallation(argc > 0 ? argv[0] : "", ReadEnvironment, files));
  return Launcher(std::move(installation), argv).Run();
}

int ExitCodeOf(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) ? kExitCannotStart : kExitNotInstalled;
}

}  // namespace rules_inference::launcher
