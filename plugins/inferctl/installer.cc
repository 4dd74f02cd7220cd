#include "plugins/inferctl/installer.h"

#include <cctype>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "plugins/base/child_process.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/inferctl/command.h"
#include "plugins/pypi/coverage.h"
#include "plugins/pypi/requirement.h"

namespace rules_inference::inferctl {
namespace {

constexpr absl::Duration kTimeout = absl::Hours(2);
constexpr size_t kMaxOutput = size_t{256} << 20;

// pip has no output that is a lock: its report says which files it would install.
constexpr char kPipResolve[] = R"(
import json, subprocess, sys
report = subprocess.run([sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed",
                         "--quiet", "--disable-pip-version-check", "--report", "-"] + sys.argv[1:],
                        stdout=subprocess.PIPE)
if report.returncode:
    sys.exit(report.returncode)
for item in json.loads(report.stdout)["install"]:
    hashes = item["download_info"].get("archive_info", {}).get("hashes", {})
    print(item["metadata"]["name"] + "==" + item["metadata"]["version"],
          *["--hash=" + kind + ":" + value for kind, value in sorted(hashes.items())])
)";

// "x86_64" of "linux-x86_64".
struct Platform {
  std::string os;
  std::string cpu;
};

absl::StatusOr<Platform> SplitPlatform(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, '-');
  if (parts.size() != 2) {
    return base::Mismatch("platform", "--platform", base::Quoted(text), "OS-CPU, as linux-x86_64");
  }
  return Platform{parts[0], parts[1]};
}

// pip takes the exact tags that it is given, so all of them are.
std::vector<std::string> PipFlags(const pypi::Configuration& configuration,
                                  const Platform& platform, int glibc_minor) {
  std::string version = configuration.python;
  const bool free_threaded = absl::EndsWith(version, "t");
  if (free_threaded) version.pop_back();
  std::string digits = version;
  digits.erase(digits.find('.'), 1);
  std::vector<std::string> flags = {
      "--only-binary=:all:",
      absl::StrCat("--python-version=", version),
      "--implementation=cp",
      absl::StrCat("--abi=cp", digits, free_threaded ? "t" : ""),
  };
  if (!free_threaded) flags.emplace_back("--abi=abi3");
  flags.emplace_back("--abi=none");
  const auto add = [&](absl::string_view tag) {
    flags.push_back(absl::StrCat("--platform=", tag, "_", platform.cpu));
  };
  if (platform.os == "linux") {
    for (int minor = glibc_minor; minor >= 5; --minor) add(absl::StrCat("manylinux_2_", minor));
    for (const auto& [name, minor] :
         {std::pair("manylinux2014", 17), {"manylinux2010", 12}, {"manylinux1", 5}}) {
      if (minor <= glibc_minor) add(name);
    }
    add("linux");
  } else if (platform.os == "macos") {
    const std::string cpu = platform.cpu == "aarch64" ? "arm64" : "x86_64";
    for (int major = 15; major >= 11; --major) {
      for (const absl::string_view machine :
           {absl::string_view(cpu), absl::string_view("universal2")}) {
        flags.push_back(absl::StrCat("--platform=macosx_", major, "_0_", machine));
      }
    }
  } else {
    flags.push_back(
        absl::StrCat("--platform=", platform.cpu == "aarch64" ? "win_arm64" : "win_amd64"));
  }
  return flags;
}

std::string UvPlatform(const Platform& platform, int glibc_minor) {
  if (platform.os == "linux") {
    return absl::StrCat(platform.cpu, "-manylinux_2_", glibc_minor);
  }
  return absl::StrCat(platform.cpu, platform.os == "macos" ? "-apple-darwin" : "-pc-windows-msvc");
}

// Runs it, and turns its failure into a status with what it has said last.
absl::StatusOr<std::string> Run(const std::vector<std::string>& argv, absl::string_view what) {
  ASSIGN_OR_RETURN(const base::ChildAnswer answer,
                   base::AskChild(argv, base::OwnEnvironment(), kTimeout, kMaxOutput));
  if (answer.exit_code == 0) return answer.output;
  std::vector<std::string> words =
      absl::StrSplit(WithoutUrls(answer.error), absl::ByAnyChar(" \n\t"), absl::SkipEmpty());
  // The end says why; the start may be hundreds of lines about what was tried.
  std::string said = absl::StrJoin(words, " ");
  constexpr size_t kMost = 600;
  if (said.size() > kMost) said = absl::StrCat("...", said.substr(said.size() - kMost));
  return absl::FailedPreconditionError(
      absl::StrCat(what, ": got exit code ", answer.exit_code, " and '", said, "', expected 0"));
}

}  // namespace

std::string WithoutUrls(absl::string_view text) {
  std::string out;
  while (true) {
    const size_t mark = text.find("://");
    if (mark == absl::string_view::npos) return out + std::string(text);
    size_t begin = mark;
    while (begin > 0 && std::isalnum(static_cast<unsigned char>(text[begin - 1])) != 0) --begin;
    const size_t end = text.find_first_of(" \n\t'\"`)>,", mark);
    absl::StrAppend(&out, text.substr(0, begin), "<url>");
    if (end == absl::string_view::npos) return out;
    text.remove_prefix(end);
  }
}

absl::StatusOr<Installer> FindInstaller(absl::string_view choice) {
  for (const auto& [name, installer] :
       {std::pair("uv", Installer::kUv), {"pip", Installer::kPip}}) {
    if (choice != name && choice != "auto") continue;
    const std::vector<std::string> argv =
        installer == Installer::kUv ? std::vector<std::string>{"uv", "--version"}
                                    : std::vector<std::string>{"python3", "-m", "pip", "--version"};
    const absl::StatusOr<base::ChildAnswer> answer =
        base::AskChild(argv, base::OwnEnvironment(), absl::Minutes(1));
    if (answer.ok() && answer->exit_code == 0) return installer;
  }
  return absl::NotFoundError(absl::StrCat("installer: ", choice, ": got none in $PATH, expected ",
                                          choice == "auto" ? "uv, or python3 with pip" : choice));
}

absl::StatusOr<std::vector<pypi::Requirement>> Resolve(Installer installer,
                                                       const std::vector<std::string>& files,
                                                       const pypi::Configuration& configuration,
                                                       int glibc_minor) {
  ASSIGN_OR_RETURN(const Platform platform, SplitPlatform(configuration.platform));
  const std::string what =
      absl::StrCat("resolve for ", configuration.python, " on ", configuration.platform);
  std::vector<std::string> argv;
  if (installer == Installer::kUv) {
    argv = {"uv",
            "pip",
            "compile",
            "--quiet",
            "--no-header",
            "--no-annotate",
            "--generate-hashes",
            "--only-binary=:all:",
            absl::StrCat("--python-version=", configuration.python),
            absl::StrCat("--python-platform=", UvPlatform(platform, glibc_minor))};
    argv.insert(argv.end(), files.begin(), files.end());
  } else {
    // pip takes other platforms only with a folder to install into, which a dry run leaves alone.
    argv = {"python3", "-c", kPipResolve, "--target=unused"};
    for (std::string& flag : PipFlags(configuration, platform, glibc_minor)) {
      argv.push_back(std::move(flag));
    }
    for (const std::string& file : files) {
      argv.emplace_back("-r");
      argv.push_back(file);
    }
  }
  ASSIGN_OR_RETURN(const std::string answer, Run(argv, what));
  return pypi::ParseRequirements(what, answer);
}

absl::Status Download(Console& console, const std::string& lock,
                      const pypi::Configuration& configuration, int glibc_minor,
                      const std::string& folder) {
  ASSIGN_OR_RETURN(const Platform platform, SplitPlatform(configuration.platform));
  const std::string what =
      absl::StrCat("download for ", configuration.python, " on ", configuration.platform);
  console.err << "note: " << what << " by pip\n" << std::flush;
  std::vector<std::string> argv = {"python3",
                                   "-m",
                                   "pip",
                                   "download",
                                   "--quiet",
                                   "--disable-pip-version-check",
                                   "--no-deps",
                                   "--require-hashes",
                                   absl::StrCat("--dest=", folder)};
  for (std::string& flag : PipFlags(configuration, platform, glibc_minor)) {
    argv.push_back(std::move(flag));
  }
  argv.emplace_back("-r");
  argv.push_back(lock);
  return Run(argv, what).status();
}

}  // namespace rules_inference::inferctl
