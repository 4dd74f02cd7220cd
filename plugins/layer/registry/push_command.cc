#include "plugins/layer/registry/push_command.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/human_size.h"
#include "plugins/base/real_file_system.h"
#include "plugins/base/runfiles.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/oci/base_image.h"
#include "plugins/layer/oci/image_name.h"
#include "plugins/layer/oci/layout_graph.h"
#include "plugins/layer/registry/credentials.h"
#include "plugins/layer/registry/push.h"
#include "plugins/layer/registry/session.h"
#include "plugins/sdk/command_line/command_line.h"
#include "plugins/sdk/command_line/progress.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/push.pb.h"

namespace rules_inference::layer::registry {
namespace {

using base::Mismatch;

constexpr absl::string_view kRule = "oci_push";

struct Flags {
  std::string layout;
  std::string repository;
  std::vector<std::string> tags;
  std::vector<std::string> mount_from;
  std::string digest_file;
  bool plain_http = false;
  bool dry_run = false;
  int parallel = 4;
};

void AddTag(const std::string& tag, std::vector<std::string>& tags) {
  if (std::find(tags.begin(), tags.end(), tag) == tags.end()) tags.push_back(tag);
}

// From where the user called Bazel.
std::string FromWorkingDirectory(const std::string& path) {
  const char* directory = std::getenv("BUILD_WORKING_DIRECTORY");
  if (absl::StartsWith(path, "/") || directory == nullptr) return path;
  return base::JoinPath(directory, path);
}

absl::StatusOr<sdk::PushRequest> ReadRequest(const std::string& program) {
  base::RealFileSystem fs;
  const std::string path = absl::StrCat(program, ".request.json");
  const absl::StatusOr<std::string> text = oci::ReadDocument(path, fs);
  // The program by itself: everything is in the flags.
  if (absl::IsNotFound(text.status())) return sdk::PushRequest();
  RETURN_IF_ERROR(text.status());
  return sdk::ParseJson<sdk::PushRequest>(path, *text);
}

absl::StatusOr<PushOptions> OptionsOf(const Flags& flags, const sdk::PushRequest& request,
                                      base::FileSystem& runfiles) {
  PushOptions options;
  const std::string repository = flags.repository.empty() ? request.repository() : flags.repository;
  ASSIGN_OR_RETURN(const oci::RepositoryName name, oci::ParseRepository(repository, kRule));
  if (name.host.empty()) {
    return Mismatch(kRule, "repository", base::Quoted(repository),
                    "one with the host of its registry, such as 'registry.example.com/team/app'");
  }
  SessionOptions& session = options.session;
  session.host = name.host;
  session.path = name.host == "docker.io" && !absl::StrContains(name.path, '/')
                     ? absl::StrCat("library/", name.path)
                     : name.path;
  session.read_paths.assign(request.mount_from().begin(), request.mount_from().end());
  session.read_paths.insert(session.read_paths.end(), flags.mount_from.begin(),
                            flags.mount_from.end());
  for (const std::string& path : session.read_paths) {
    ASSIGN_OR_RETURN(const oci::RepositoryName from, oci::ParseRepository(path, kRule));
    if (!from.host.empty()) {
      return Mismatch(kRule, "mount_from", base::Quoted(path),
                      "a repository of the same registry, without its host");
    }
  }
  session.plain_http = request.plain_http() || flags.plain_http;
  session.credential_files = CredentialFiles();
  for (const std::string& tag : request.tags()) AddTag(tag, options.tags);
  for (const std::string& file : request.tag_files()) {
    ASSIGN_OR_RETURN(const std::string text, oci::ReadDocument(file, runfiles));
    for (const absl::string_view line : absl::StrSplit(text, '\n')) {
      const absl::string_view tag = absl::StripAsciiWhitespace(line);
      if (!tag.empty()) AddTag(std::string(tag), options.tags);
    }
  }
  for (const std::string& tag : flags.tags) AddTag(tag, options.tags);
  for (const std::string& tag : options.tags) {
    if (oci::IsTag(tag)) continue;
    return Mismatch(kRule, "tag", base::Quoted(tag),
                    "up to 128 letters, digits, '_', '.' and '-', not first '.' or '-'");
  }
  options.dry_run = flags.dry_run;
  options.parallel = flags.parallel;
  return options;
}

std::string Counted(const PushReport::Count& count) {
  return absl::StrCat(count.blobs, count.blobs == 1 ? " blob (" : " blobs (",
                      base::HumanSize(count.bytes), ")");
}

absl::StatusOr<int> Run(const std::string& program, const Flags& flags, const Console& console) {
  ASSIGN_OR_RETURN(const sdk::PushRequest request, ReadRequest(program));
  base::RealFileSystem runfiles(base::RunfilesOf(program));
  base::RealFileSystem here;
  ASSIGN_OR_RETURN(PushOptions options, OptionsOf(flags, request, runfiles));
  const std::string repository = absl::StrCat(options.session.host, "/", options.session.path);
  const bool from_flags = !flags.layout.empty();
  base::FileSystem& fs = from_flags ? here : runfiles;
  const std::string layout = from_flags ? FromWorkingDirectory(flags.layout) : request.layout();
  if (layout.empty()) {
    return Mismatch(kRule, "--layout", "nothing", "the directory of an OCI layout");
  }
  ASSIGN_OR_RETURN(const oci::LayoutGraph graph, oci::ReadLayout(layout, fs));
  sdk::Progress progress(console.err, console.terminal);
  progress.Begin(repository);
  options.progress = [&progress](uint64_t done, uint64_t total) { progress.Update(done, total); };
  const absl::StatusOr<PushReport> report = Push(graph, options, fs);
  progress.Clear();
  RETURN_IF_ERROR(report.status());

  console.err << (flags.dry_run ? "would push " : "pushed ") << Counted(report->pushed);
  if (report->mounted.blobs > 0) console.err << ", mounted " << Counted(report->mounted);
  if (report->there.blobs > 0) console.err << ", there already: " << Counted(report->there);
  console.err << "\n";
  const std::string digest = graph.root().descriptor.digest.ToString();
  const std::string pinned = absl::StrCat(repository, "@", digest);
  if (!flags.digest_file.empty()) {
    RETURN_IF_ERROR(
        base::WriteFile(here, FromWorkingDirectory(flags.digest_file), absl::StrCat(pinned, "\n")));
  }
  if (options.tags.empty()) console.out << pinned << "\n";
  for (const std::string& tag : options.tags) {
    console.out << repository << ":" << tag << "@" << digest << "\n";
  }
  return sdk::kExitOk;
}

}  // namespace

int PushCommand(int argc, const char* const* argv, const Console& console) {
  CLI::App app("Pushes an image to a registry.", std::string(kRule));
  Flags flags;
  app.add_option("--repository", flags.repository,
                 "Where to, such as registry.example.com/team/app; default: that of the target")
      ->type_name("NAME");
  app.add_option("-t,--tag", flags.tags, "One more tag; may be given several times")
      ->type_name("TAG");
  app.add_option("--mount-from", flags.mount_from,
                 "A repository of the same registry that may have blobs already")
      ->type_name("PATH");
  app.add_option("--layout", flags.layout, "An OCI layout in the place of the target's image")
      ->type_name("DIR");
  app.add_option("--digest-file", flags.digest_file, "Write the name with its digest to a file")
      ->type_name("FILE");
  app.add_option("-j,--parallel", flags.parallel, "Uploads at a time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_flag("--plain-http", flags.plain_http, "http, also to hosts that are not this machine");
  app.add_flag("-n,--dry-run", flags.dry_run, "Ask what is there, and change nothing");
  const std::string program = argc > 0 ? argv[0] : "";
  sdk::RunCommand run = [&] { return Run(program, flags, console); };
  return sdk::RunCommandLine(app, argc, argv, console.out, console.err, &run);
}

}  // namespace rules_inference::layer::registry
