#include "plugins/sdk/conformance.h"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/plugin.h"
#include "plugins/sdk/plugin.pb.h"
#include "plugins/sdk/process.h"
#include "plugins/sdk/worker_protocol.pb.h"

namespace rules_inference::sdk {
namespace {

using ::blaze::worker::WorkRequest;
using ::blaze::worker::WorkResponse;

// A line that no plugin takes: it is not JSON.
constexpr absl::string_view kBadLine = "{not json";

// Memory of a worker after many requests may be this much above its memory after few.
constexpr long kMemorySlackKib = 32 * 1024;

absl::Status Expect(bool condition, absl::string_view where, absl::string_view got,
                    absl::string_view expected) {
  return condition ? absl::OkStatus() : base::Mismatch("conformance", where, got, expected);
}

absl::Status ExpectExit(const ProcessResult& result, int expected) {
  return Expect(result.exit_code == expected, "exit code",
                absl::StrCat(result.exit_code, " with standard error ", base::Quoted(result.error)),
                absl::StrCat(expected));
}

// "error: <one line>" and at most hints after it.
absl::Status ExpectErrorText(absl::string_view text) {
  std::vector<absl::string_view> lines = absl::StrSplit(absl::StripSuffix(text, "\n"), '\n');
  bool good = absl::StartsWith(lines.front(), "error: ") && absl::EndsWith(text, "\n");
  for (size_t i = 1; i < lines.size(); ++i) good = good && absl::StartsWith(lines[i], "hint: ");
  return Expect(good, "error text", base::Quoted(text),
                "one line `error: ...` and lines `hint: ...`");
}

class Checker {
 public:
  Checker(std::string plugin, std::string kind, std::string temp_dir)
      : plugin_(std::move(plugin)), kind_(std::move(kind)), temp_dir_(std::move(temp_dir)) {}

  absl::Status Describe() {
    ASSIGN_OR_RETURN(const ProcessResult result, Run({"--describe"}));
    RETURN_IF_ERROR(ExpectExit(result, 0));
    ASSIGN_OR_RETURN(const PluginDescriptor descriptor,
                     ParseJson<PluginDescriptor>("--describe", result.output));
    RETURN_IF_ERROR(Expect(
        !descriptor.name().empty() && !descriptor.version().empty() && !descriptor.kind().empty(),
        "--describe", base::Quoted(result.output), "name, version and kind"));
    RETURN_IF_ERROR(Expect(kind_.empty() || descriptor.kind() == kind_, "kind",
                           base::Quoted(descriptor.kind()), base::Quoted(kind_)));
    RETURN_IF_ERROR(Expect(descriptor.protocol_version() == kProtocolVersion, "protocol_version",
                           absl::StrCat(descriptor.protocol_version()),
                           absl::StrCat(kProtocolVersion)));
    ASSIGN_OR_RETURN(const ProcessResult again, Run({"--describe"}));
    return Expect(again.output == result.output, "--describe a second time",
                  base::Quoted(again.output), base::Quoted(result.output));
  }

  absl::Status Version() {
    ASSIGN_OR_RETURN(const ProcessResult described, Run({"--describe"}));
    ASSIGN_OR_RETURN(const PluginDescriptor descriptor,
                     ParseJson<PluginDescriptor>("--describe", described.output));
    ASSIGN_OR_RETURN(const ProcessResult result, Run({"--version"}));
    RETURN_IF_ERROR(ExpectExit(result, 0));
    const std::string expected = absl::StrCat(descriptor.name(), " ", descriptor.version(), "\n");
    return Expect(result.output == expected, "--version", base::Quoted(result.output),
                  base::Quoted(expected));
  }

  absl::Status Help() {
    ASSIGN_OR_RETURN(const ProcessResult result, Run({"--help"}));
    RETURN_IF_ERROR(ExpectExit(result, 0));
    return Expect(absl::StrContains(result.output, "--persistent_worker"), "--help",
                  base::Quoted(result.output), "text that names --persistent_worker");
  }

  absl::Status BadFlags() {
    const std::vector<std::vector<std::string>> command_lines = {
        {}, {"--no-such-flag"}, {"--describe", "--version"}, {"--persistent_worker", "{}"}};
    for (const std::vector<std::string>& arguments : command_lines) {
      ASSIGN_OR_RETURN(const ProcessResult result, Run(arguments));
      RETURN_IF_ERROR(ExpectExit(result, 2));
      RETURN_IF_ERROR(ExpectErrorText(result.error));
    }
    return absl::OkStatus();
  }

  absl::Status ParamsFiles() {
    const std::string missing = absl::StrCat(temp_dir_, "/no_such_file.params");
    ASSIGN_OR_RETURN(ProcessResult result, Run({absl::StrCat("@", missing)}));
    RETURN_IF_ERROR(ExpectFailure(result, "no_such_file.params"));
    const std::pair<absl::string_view, absl::string_view> cases[] = {
        {"{}\r\n", "carriage return"},
        {absl::string_view("{\0}\n", 4), "NUL"},
        {"@nested.params\n", "do not nest"},
        {kBadLine, ""},  // In the plugin's own words.
    };
    for (const auto& [content, expected] : cases) {
      const std::string path = absl::StrCat(temp_dir_, "/bad.params");
      std::ofstream(path, std::ios::binary)
          .write(content.data(), static_cast<std::streamsize>(content.size()));
      ASSIGN_OR_RETURN(result, Run({absl::StrCat("@", path)}));
      RETURN_IF_ERROR(ExpectFailure(result, expected));
    }
    return absl::OkStatus();
  }

  // The worker must fail in the words of the one-shot run, and take the next request.
  absl::Status WorkerSaysTheSame() {
    ASSIGN_OR_RETURN(const ProcessResult one_shot, Run({std::string(kBadLine)}));
    RETURN_IF_ERROR(ExpectExit(one_shot, 1));
    const WorkRequest bad = MakeRequest(0, {std::string(kBadLine)});
    ASSIGN_OR_RETURN(const std::vector<WorkResponse> responses,
                     Serve(Delimited(bad) + Delimited(bad)));
    RETURN_IF_ERROR(
        Expect(responses.size() == 2, "responses", absl::StrCat(responses.size()), "2"));
    for (const WorkResponse& response : responses) {
      RETURN_IF_ERROR(Expect(response.exit_code() == one_shot.exit_code,
                             "exit_code of the response", absl::StrCat(response.exit_code()),
                             absl::StrCat(one_shot.exit_code)));
      const std::string said = one_shot.output + one_shot.error;
      RETURN_IF_ERROR(Expect(response.output() == said, "output of the response",
                             base::Quoted(response.output()),
                             absl::StrCat("that of the one-shot run, ", base::Quoted(said))));
    }
    return absl::OkStatus();
  }

  absl::Status WorkerWithoutRequests() {
    ASSIGN_OR_RETURN(const std::vector<WorkResponse> responses, Serve(""));
    return Expect(responses.empty(), "responses", absl::StrCat(responses.size()), "0");
  }

  absl::Status WorkerMultiplex() {
    std::string input;
    std::multiset<int> expected;
    for (int id = 1; id <= 50; ++id) {
      input += Delimited(MakeRequest(id, {std::string(kBadLine), absl::StrCat("@missing", id)}));
      expected.insert(id);
    }
    ASSIGN_OR_RETURN(const std::vector<WorkResponse> responses, Serve(input));
    std::multiset<int> ids;
    for (const WorkResponse& response : responses) {
      ids.insert(response.request_id());
      RETURN_IF_ERROR(ExpectErrorText(response.output()));
      // Whose answer is it? Each request fails on a file of its own name.
      RETURN_IF_ERROR(
          Expect(absl::StrContains(response.output(),
                                   absl::StrCat("'missing", response.request_id(), "'")),
                 absl::StrCat("output of request_id ", response.request_id()),
                 base::Quoted(response.output()), "the error of that request"));
    }
    return Expect(ids == expected, "responses", absl::StrCat(ids.size(), " with other ids"),
                  "one for each of 50 ids");
  }

  absl::Status WorkerBadRequests() {
    std::string input;
    input += Delimited(MakeRequest(1, {}));  // No arguments: good or bad, but answered.
    input +=
        "\x04"
        "\xff\xff\xff\xff";  // Four bytes that are no message.
    WorkRequest cancel;
    cancel.set_request_id(77);
    cancel.set_cancel(true);
    input += Delimited(cancel);  // An id that was never in work: no answer.
    input += Delimited(MakeRequest(2, {std::string(kBadLine)}));
    ASSIGN_OR_RETURN(const std::vector<WorkResponse> responses, Serve(input));
    std::multiset<int> ids;
    for (const WorkResponse& response : responses) ids.insert(response.request_id());
    return Expect(ids == std::multiset<int>{0, 1, 2}, "responses",
                  absl::StrCat(ids.size(), " or other ids"),
                  "those of request_id 0 (unreadable), 1 and 2");
  }

  absl::Status WorkerOversizeRequest() {
    WorkRequest big = MakeRequest(5, {std::string(size_t{65} << 20, 'x')});
    ASSIGN_OR_RETURN(const std::vector<WorkResponse> responses,
                     Serve(Delimited(big) + Delimited(MakeRequest(6, {std::string(kBadLine)}))));
    RETURN_IF_ERROR(
        Expect(responses.size() == 2, "responses", absl::StrCat(responses.size()), "2"));
    const auto first =
        std::find_if(responses.begin(), responses.end(),
                     [](const WorkResponse& response) { return response.request_id() == 5; });
    RETURN_IF_ERROR(Expect(first != responses.end() && first->exit_code() == 1,
                           "answer to the oversize request", "none", "exit_code 1"));
    return ExpectErrorText(first->output());
  }

  absl::Status WorkerBrokenStream() {
    const std::string request = Delimited(MakeRequest(1, {std::string(kBadLine)}));
    for (const std::string& input :
         {request + std::string(10, '\xff'), request + request.substr(0, 5)}) {
      ASSIGN_OR_RETURN(const ProcessResult result,
                       RunProcess({plugin_, "--persistent_worker"}, input));
      RETURN_IF_ERROR(ExpectExit(result, 1));
      RETURN_IF_ERROR(ExpectErrorText(result.error));
    }
    return absl::OkStatus();
  }

  absl::Status WorkerMemory() {
    const std::string request =
        Delimited(MakeRequest(0, {std::string(kBadLine), std::string(1000, ' ')}));
    long rss[2] = {0, 0};
    const int counts[2] = {100, 10'000};
    for (int i = 0; i < 2; ++i) {
      std::string input;
      for (int n = 0; n < counts[i]; ++n) input += request;
      ASSIGN_OR_RETURN(const ProcessResult result,
                       RunProcess({plugin_, "--persistent_worker"}, input));
      RETURN_IF_ERROR(ExpectExit(result, 0));
      ASSIGN_OR_RETURN(const std::vector<WorkResponse> responses, ParseResponses(result.output));
      RETURN_IF_ERROR(Expect(responses.size() == static_cast<size_t>(counts[i]), "responses",
                             absl::StrCat(responses.size()), absl::StrCat(counts[i])));
      rss[i] = result.max_rss_kib;
    }
    return Expect(
        rss[1] <= rss[0] + kMemorySlackKib, "memory after 10000 requests",
        absl::StrCat(rss[1], " KiB"),
        absl::StrCat("at most ", kMemorySlackKib, " KiB over the ", rss[0], " KiB after 100"));
  }

 private:
  absl::StatusOr<ProcessResult> Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), plugin_);
    return RunProcess(arguments);
  }

  // The responses of a worker that ends well.
  absl::StatusOr<std::vector<WorkResponse>> Serve(absl::string_view input) {
    ASSIGN_OR_RETURN(const ProcessResult result,
                     RunProcess({plugin_, "--persistent_worker"}, input));
    RETURN_IF_ERROR(ExpectExit(result, 0));
    return ParseResponses(result.output);
  }

  absl::Status ExpectFailure(const ProcessResult& result, absl::string_view text) {
    RETURN_IF_ERROR(ExpectExit(result, 1));
    RETURN_IF_ERROR(ExpectErrorText(result.error));
    return Expect(absl::StrContains(result.error, text), "standard error",
                  base::Quoted(result.error), absl::StrCat("text with ", base::Quoted(text)));
  }

  const std::string plugin_;
  const std::string kind_;
  const std::string temp_dir_;
};

}  // namespace

std::vector<ConformanceResult> CheckConformance(const std::string& plugin, const std::string& kind,
                                                const std::string& temp_dir) {
  Checker checker(plugin, kind, temp_dir);
  std::vector<ConformanceResult> results;
  const std::pair<const char*, absl::Status (Checker::*)()> checks[] = {
      {"describe", &Checker::Describe},
      {"version", &Checker::Version},
      {"help", &Checker::Help},
      {"bad_flags", &Checker::BadFlags},
      {"params_files", &Checker::ParamsFiles},
      {"worker_says_the_same", &Checker::WorkerSaysTheSame},
      {"worker_without_requests", &Checker::WorkerWithoutRequests},
      {"worker_multiplex", &Checker::WorkerMultiplex},
      {"worker_bad_requests", &Checker::WorkerBadRequests},
      {"worker_oversize_request", &Checker::WorkerOversizeRequest},
      {"worker_broken_stream", &Checker::WorkerBrokenStream},
      {"worker_memory", &Checker::WorkerMemory},
  };
  for (const auto& [name, check] : checks) results.push_back({name, (checker.*check)()});
  return results;
}

}  // namespace rules_inference::sdk
