#include "plugins/wheel/venv/venv.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/wheel.pb.h"
#include "plugins/wheel/venv/plan.h"
#include "plugins/wheel/venv/program.h"
#include "plugins/wheel/venv/wheel_files.h"

namespace rules_inference::wheel {
namespace {

using base::JoinPath;
using base::Mismatch;
using base::Quoted;

// A script is small; what is larger is a program that a first line cannot matter to.
constexpr uint64_t kMaxScript = uint64_t{4} << 20;

bool IsPythonVersion(absl::string_view text) {
  absl::ConsumeSuffix(&text, "t");
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '.');
  return parts.size() == 2 && std::all_of(parts.begin(), parts.end(), [](absl::string_view part) {
           return !part.empty() && part.size() <= 3 &&
                  std::all_of(part.begin(), part.end(), [](char c) {
                    return absl::ascii_isdigit(static_cast<unsigned char>(c));
                  });
         });
}

absl::Status CheckRequest(const sdk::WheelVenvRequest& request, base::FileSystem& fs) {
  if (request.output_dir().empty() || request.summary_output().empty()) {
    return Mismatch(
        "wheel request", "output_dir and summary_output",
        absl::StrCat(Quoted(request.output_dir()), " and ", Quoted(request.summary_output())),
        "two paths");
  }
  if (!IsPythonVersion(request.python_version())) {
    return Mismatch("wheel request", "python_version", Quoted(request.python_version()),
                    "major.minor, such as 3.12");
  }
  if (request.trees().empty()) {
    return Mismatch("wheel request", "trees", "none", "at least one");
  }
  // What leads from an absolute path to a relative one depends on the working directory.
  const auto check_path = [&](absl::string_view path) {
    if (!absl::StartsWith(request.output_dir(), "/") || absl::StartsWith(path, "/")) {
      return absl::OkStatus();
    }
    return Mismatch("wheel request", "output_dir",
                    absl::StrCat(Quoted(request.output_dir()), " and ", Quoted(path)),
                    "both absolute, or a relative output_dir");
  };
  for (const sdk::WheelTree& tree : request.trees()) RETURN_IF_ERROR(check_path(tree.path()));
  if (!request.interpreter().empty()) RETURN_IF_ERROR(check_path(request.interpreter()));
  const absl::StatusOr<std::vector<std::string>> names = fs.List(request.output_dir());
  if (absl::IsNotFound(names.status())) return absl::OkStatus();
  RETURN_IF_ERROR(names.status());
  if (names->empty()) return absl::OkStatus();
  return Mismatch("output directory", request.output_dir(), Quoted(names->front()),
                  "nothing in it");
}

// What leads from a directory to `target`; both are relative to one place, or `target` is absolute.
std::string RelativePath(absl::string_view directory, absl::string_view target) {
  if (absl::StartsWith(target, "/") && !absl::StartsWith(directory, "/")) {
    return std::string(target);
  }
  std::vector<absl::string_view> from = absl::StrSplit(directory, '/', absl::SkipEmpty());
  std::vector<absl::string_view> to = absl::StrSplit(target, '/', absl::SkipEmpty());
  size_t same = 0;
  while (same < from.size() && same < to.size() && from[same] == to[same]) ++same;
  std::vector<absl::string_view> parts(from.size() - same, "..");
  parts.insert(parts.end(), to.begin() + static_cast<std::ptrdiff_t>(same), to.end());
  return absl::StrJoin(parts, "/");
}

class Writer {
 public:
  Writer(const sdk::WheelVenvRequest& request, base::FileSystem& fs,
         const std::atomic<bool>* cancelled)
      : request_(request), fs_(fs), cancelled_(cancelled) {}

  absl::Status Write(const std::vector<WheelFiles>& wheels, const VenvPlan& plan);

 private:
  absl::Status Link(const VenvLink& link);
  absl::Status Program(const VenvLink& link);
  absl::Status File(absl::string_view path, absl::string_view text, base::FileMode mode);
  absl::Status Interpreter(absl::string_view id);
  std::string Place(absl::string_view path) const { return JoinPath(request_.output_dir(), path); }

  const sdk::WheelVenvRequest& request_;
  base::FileSystem& fs_;
  const std::atomic<bool>* cancelled_;
  sdk::WheelVenvSummary summary_;
};

absl::Status Writer::Link(const VenvLink& link) {
  if (cancelled_ != nullptr && cancelled_->load()) return absl::CancelledError("cancelled");
  const std::string path = Place(link.path);
  // A link to nothing would be found by those who import only.
  ASSIGN_OR_RETURN(const base::NodeInfo info, fs_.Stat(link.target, base::Follow::kYes));
  if ((info.type == base::NodeType::kDirectory) != link.is_directory) {
    return Mismatch("wheel tree", link.target, link.is_directory ? "a file" : "a directory",
                    "what its RECORD says");
  }
  if (link.is_directory) {
    summary_.set_directory_links(summary_.directory_links() + 1);
  } else {
    summary_.set_file_links(summary_.file_links() + 1);
  }
  return fs_.Symlink(RelativePath(path.substr(0, path.rfind('/')), link.target), path);
}

absl::Status Writer::File(absl::string_view path, absl::string_view text, base::FileMode mode) {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::OutputFile> file, fs_.CreateNew(Place(path), mode));
  RETURN_IF_ERROR(file->Append(text));
  summary_.set_files(summary_.files() + 1);
  return file->Publish();
}

absl::Status Writer::Program(const VenvLink& link) {
  ASSIGN_OR_RETURN(const base::NodeInfo info, fs_.Stat(link.target, base::Follow::kYes));
  if (info.type != base::NodeType::kFile || info.size > kMaxScript) return Link(link);
  ASSIGN_OR_RETURN(const std::string script, base::ReadFile(fs_, link.target, kMaxScript));
  const std::optional<std::string> own = WithOwnInterpreter(script);
  if (!own.has_value()) return Link(link);
  return File(link.path, *own, base::FileMode::kProgram);
}

absl::Status Writer::Interpreter(absl::string_view id) {
  const std::string& version = request_.python_version();
  RETURN_IF_ERROR(File("pyvenv.cfg", VenvConfig(version, id), base::FileMode::kData));
  for (const std::string& name :
       {std::string("python"), std::string("python3"), absl::StrCat("python", version)}) {
    RETURN_IF_ERROR(
        File(absl::StrCat("bin/", name), InterpreterScript(version, id), base::FileMode::kProgram));
  }
  if (request_.interpreter().empty()) return absl::OkStatus();
  return Link({.path = "bin/base_python", .target = request_.interpreter()});
}

// Short, and another one for another environment: bin/python keeps what it makes by it.
std::string Id(const sdk::WheelVenvRequest& request, const std::vector<WheelFiles>& wheels,
               const VenvPlan& plan) {
  base::Sha256 sha;
  sha.Update(absl::StrCat(request.python_version(), "\n", request.interpreter(), "\n"));
  for (const WheelFiles& wheel : wheels) sha.Update(absl::StrCat(wheel.Title(), "\n"));
  for (const std::string& directory : plan.directories) sha.Update(absl::StrCat(directory, "\n"));
  for (const auto* links : {&plan.links, &plan.programs}) {
    for (const VenvLink& link : *links) {
      sha.Update(
          absl::StrCat(link.path, "\n", RelativePath(request.output_dir(), link.target), "\n"));
    }
  }
  return sha.Finish().Hex().substr(0, 16);
}

absl::Status Writer::Write(const std::vector<WheelFiles>& wheels, const VenvPlan& plan) {
  RETURN_IF_ERROR(fs_.CreateDirectories(request_.output_dir()));
  for (const std::string& directory : plan.directories) {
    RETURN_IF_ERROR(fs_.CreateDirectories(Place(directory)));
  }
  for (const VenvLink& link : plan.links) RETURN_IF_ERROR(Link(link));
  for (const VenvLink& program : plan.programs) RETURN_IF_ERROR(Program(program));
  RETURN_IF_ERROR(Interpreter(Id(request_, wheels, plan)));
  summary_.set_python_version(request_.python_version());
  for (const WheelFiles& wheel : wheels) {
    summary_.add_wheels(absl::StrCat(absl::StrReplaceAll(wheel.normalized_name, {{"_", "-"}}),
                                     "==", wheel.version));
  }
  summary_.set_directories(plan.directories.size());
  summary_.set_wheel_files(plan.files);
  return base::WriteFile(fs_, request_.summary_output(),
                         absl::StrCat(sdk::ToCanonicalJson(summary_), "\n"));
}

}  // namespace

absl::Status MakeVenv(const sdk::WheelVenvRequest& request, base::FileSystem& fs,
                      const std::atomic<bool>* cancelled) {
  RETURN_IF_ERROR(CheckRequest(request, fs));
  std::vector<WheelFiles> wheels;
  wheels.reserve(static_cast<size_t>(request.trees_size()));
  for (const sdk::WheelTree& tree : request.trees()) {
    ASSIGN_OR_RETURN(WheelFiles wheel, ReadWheelFiles(tree, request.python_version(), fs));
    wheels.push_back(std::move(wheel));
  }
  std::sort(wheels.begin(), wheels.end(), [](const WheelFiles& a, const WheelFiles& b) {
    return std::tie(a.normalized_name, a.version, a.tree) <
           std::tie(b.normalized_name, b.version, b.tree);
  });
  ASSIGN_OR_RETURN(const VenvPlan plan, PlanVenv(wheels, request));
  // A summary of an earlier run must not stand beside a new directory.
  RETURN_IF_ERROR(fs.RemoveTree(request.summary_output()));
  const absl::Status status = Writer(request, fs, cancelled).Write(wheels, plan);
  if (!status.ok()) {
    fs.RemoveTree(request.output_dir()).IgnoreError();
    fs.RemoveTree(request.summary_output()).IgnoreError();
  }
  return status;
}

}  // namespace rules_inference::wheel
