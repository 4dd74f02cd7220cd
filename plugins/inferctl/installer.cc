#include "plugins/inferctl/installer.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "plugins/base/child_process.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/inferctl/command.h"
#include "plugins/pypi/coverage.h"
#include "plugins/pypi/marker.h"
#include "plugins/pypi/requirement.h"
#include "plugins/sdk/coverage.pb.h"

namespace rules_inference::inferctl {
namespace {

constexpr absl::Duration kTimeout = absl::Hours(2);
constexpr size_t kMaxOutput = size_t{256} << 20;

constexpr int kAttempts = 3;
constexpr char kSaid[] = "rules_inference/installer";
// Of a reason, in characters.
constexpr size_t kMostReason = 240;

// pip has no output that is a lock: its report says which files it would install. It can look for
// wheels of another Python, but asks the one that it runs on about Requires-Python and markers; the
// two functions that it asks are put right here, where this pip has them.
constexpr char kPipResolve[] = R"(
import json, os, sys, tempfile
environment = json.loads(sys.argv[1])
python = tuple(int(part) for part in environment["python_version"].split("."))
try:
    from pip._internal.commands.install import InstallCommand
    from pip._vendor.packaging import markers
    own = markers.default_environment
    markers.default_environment = lambda *args: {**own(*args), **environment}
    make = InstallCommand.make_resolver.__func__
    InstallCommand.make_resolver = classmethod(
        lambda cls, *args, **options: make(cls, *args, **{**options, "py_version_info": python}))
except (AttributeError, ImportError):
    print("note: this pip asks its own Python about markers", file=sys.stderr)
from pip._internal.cli.main import main
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "report.json")
    # Other platforms are taken with a folder to install into, which a dry run leaves alone.
    code = main(["install", "--dry-run", "--ignore-installed", "--quiet", "--disable-pip-version-check",
                 "--report=" + path, "--target=" + os.path.join(folder, "target")] + sys.argv[2:])
    if code:
        sys.exit(code)
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
for item in report["install"]:
    archive = item["download_info"].get("archive_info", {})
    hashes = archive.get("hashes") or dict([archive["hash"].split("=")] if "hash" in archive else [])
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

// An object of texts; none of them needs an escape.
std::string JsonOf(const pypi::MarkerEnvironment& environment) {
  return absl::StrCat("{",
                      absl::StrJoin(environment, ",",
                                    [](std::string* out, const auto& item) {
                                      absl::StrAppend(out, "\"", item.first, "\":\"", item.second,
                                                      "\"");
                                    }),
                      "}");
}

bool ContainsAny(absl::string_view text, absl::Span<const absl::string_view> parts) {
  return absl::c_any_of(parts,
                        [&](absl::string_view part) { return absl::StrContains(text, part); });
}

// Whether asking again may help. pip goes on without an index that does not answer, and then says
// that there is no such distribution.
bool MayPass(absl::string_view said) {
  return ContainsAny(said, {"error sending request", "rror trying to connect", "connection broken",
                            "Max retries exceeded", "timed out", "operation timed",
                            "connection reset", "Connection reset", "Connection refused",
                            "Temporary failure", "dns error", "502 ", "503 ", "504 ", "429 "});
}

bool SaysNoSolution(absl::string_view said) {
  return ContainsAny(said, {"No solution found", "No matching distribution found",
                            "ResolutionImpossible", "conflicting dependencies"});
}

// Runs it, again where that may help, and turns its failure into a status with what it has said.
absl::StatusOr<std::string> Run(const std::vector<std::string>& argv, absl::string_view what) {
  std::string said;
  int exit_code = 0;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (attempt > 0) absl::SleepFor(absl::Seconds(1 << (2 * (attempt - 1))));
    absl::StatusOr<base::ChildAnswer> answer =
        base::AskChild(argv, base::OwnEnvironment(), kTimeout, kMaxOutput);
    // A program that is not there says nothing about what an index has.
    if (!answer.ok()) return absl::FailedPreconditionError(answer.status().message());
    if (answer->exit_code == 0) return std::move(answer->output);
    said = Scrubbed(answer->error, base::OwnEnvironment());
    exit_code = answer->exit_code;
    if (!MayPass(said)) break;
  }
  const absl::StatusCode code = MayPass(said)          ? absl::StatusCode::kUnavailable
                                : SaysNoSolution(said) ? absl::StatusCode::kNotFound
                                                       : absl::StatusCode::kFailedPrecondition;
  absl::Status status(code, absl::StrCat(what, ": got exit code ", exit_code, " and '",
                                         ReasonOf(said), "', expected 0"));
  status.SetPayload(kSaid, absl::Cord(said));
  return status;
}

// The hosts of urls in a text.
void AddHosts(absl::string_view text, std::set<std::string>* hosts) {
  for (size_t mark = text.find("://"); mark != text.npos; mark = text.find("://", mark + 3)) {
    absl::string_view host = text.substr(mark + 3);
    host = host.substr(0, host.find_first_of("/ \n\t'\"`)>,;?#"));
    const size_t at = host.rfind('@');
    if (at != host.npos) host.remove_prefix(at + 1);
    if (host.size() > 3) hosts->insert(std::string(host));
    // With the port and without it.
    host = host.substr(0, host.find(':'));
    if (host.size() > 3) hosts->insert(std::string(host));
  }
}

std::string WithoutUrls(absl::string_view text) {
  std::string out;
  while (true) {
    const size_t mark = text.find("://");
    if (mark == absl::string_view::npos) return out + std::string(text);
    size_t begin = mark;
    while (begin > 0 && (absl::ascii_isalnum(static_cast<unsigned char>(text[begin - 1])) ||
                         text[begin - 1] == '+')) {
      --begin;
    }
    const size_t end = text.find_first_of(" \n\t'\"`)>,", mark);
    absl::StrAppend(&out, text.substr(0, begin), "<url>");
    if (end == absl::string_view::npos) return out;
    text.remove_prefix(end);
  }
}

// "/home/me/list.txt" and "/srv/x", but neither "/" nor "a/b".
std::string WithoutPaths(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const bool begins =
        text[i] == '/' &&
        (i == 0 || absl::string_view(" \n\t'\"`(=:").find(text[i - 1]) != absl::string_view::npos);
    size_t end = i + 1;
    while (begins && end < text.size() &&
           absl::string_view(" \n\t'\"`),:;").find(text[end]) == absl::string_view::npos) {
      ++end;
    }
    if (begins && end > i + 1 && text.substr(i + 1, end - i - 1).find('/') != text.npos) {
      absl::StrAppend(&out, "<path>");
    } else {
      absl::StrAppend(&out, text.substr(i, end - i));
    }
    i = end;
  }
  return out;
}

// Without what stands in braces: uv puts the markers of a requirement there.
std::string WithoutBraces(absl::string_view text) {
  std::string out;
  int depth = 0;
  for (const char c : text) {
    if (c == '{') ++depth;
    if (depth == 0) out.push_back(c);
    if (c == '}' && depth > 0) --depth;
  }
  return out;
}

}  // namespace

std::string Scrubbed(absl::string_view text, const std::vector<std::string>& environment) {
  std::set<std::string> hosts;
  AddHosts(text, &hosts);
  for (const std::string& variable : environment) AddHosts(variable, &hosts);
  std::string out = WithoutPaths(WithoutUrls(text));
  // pip's "HTTPSConnectionPool(host='…', port=443)".
  for (size_t at = out.find("host='"); at != out.npos; at = out.find("host='", at + 6)) {
    const size_t end = out.find('\'', at + 6);
    if (end != out.npos) out.replace(at + 6, end - at - 6, "<host>");
  }
  // The longest first, as one may be within another.
  std::vector<std::string> sorted(hosts.begin(), hosts.end());
  std::sort(sorted.begin(), sorted.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  for (const std::string& host : sorted) absl::StrReplaceAll({{host, "<host>"}}, &out);
  return out;
}

std::string InstallerSaid(const absl::Status& status) {
  const auto said = status.GetPayload(kSaid);
  return said.has_value() ? std::string(*said) : "";
}

std::string ReasonOf(absl::string_view said) {
  absl::string_view part;
  const size_t because = said.find("Because ");
  if (because != said.npos) {
    // uv: a sentence, up to its hints.
    part = said.substr(because + 8);
    part = part.substr(0, part.find("\n\n"));
  } else {
    for (const absl::string_view line : absl::StrSplit(said, '\n', absl::SkipWhitespace())) {
      // pip's last error is the shortest; without one the last line has to do.
      if (absl::StartsWith(line, "ERROR: ")) {
        part = line.substr(7);
      } else if (part.empty() || !absl::StrContains(said, "ERROR: ")) {
        part = line;
      }
    }
  }
  const std::string plain = WithoutBraces(part);
  // uv draws a line beside its sentences.
  std::string reason = absl::StrJoin(absl::StrSplit(absl::StrReplaceAll(plain, {{"│", " "}}),
                                                    absl::ByAnyChar(" \n\t"), absl::SkipEmpty()),
                                     " ");
  for (const absl::string_view end :
       {".", "we can conclude that your requirements are unsatisfiable", ", "}) {
    reason = std::string(absl::StripSuffix(reason, end));
  }
  if (reason.size() > kMostReason) {
    reason.resize(kMostReason);
    while (!reason.empty() && (reason.back() & 0x80) != 0) reason.pop_back();
    reason += "...";
  }
  return reason;
}

sdk::CoverageCell::State StateOf(absl::string_view said) {
  if (absl::StrContains(said, "was not found in the package registry")) {
    return sdk::CoverageCell::MISSING;
  }
  if (absl::StrContains(said, "no wheels with a matching")) return sdk::CoverageCell::NO_WHEEL_HERE;
  // Those are uv's words for what has archives of its source and nothing else that it may use.
  if (absl::StrContains(said, "no usable wheels")) return sdk::CoverageCell::SDIST_ONLY;
  return sdk::CoverageCell::NO_WHEEL_HERE;
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
                                                       int glibc_minor, bool dependencies) {
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
    ASSIGN_OR_RETURN(const pypi::MarkerEnvironment environment,
                     pypi::EnvironmentOf(configuration.python, configuration.platform));
    argv = {"python3", "-c", kPipResolve, JsonOf(environment)};
    for (std::string& flag : PipFlags(configuration, platform, glibc_minor)) {
      argv.push_back(std::move(flag));
    }
    for (const std::string& file : files) {
      argv.emplace_back("-r");
      argv.push_back(file);
    }
  }
  if (!dependencies) argv.emplace_back("--no-deps");
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
