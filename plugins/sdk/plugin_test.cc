// Runs a real plugin process in all three ways.

#include "plugins/sdk/plugin.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "plugins/sdk/conformance.h"
#include "plugins/sdk/process.h"
#include "plugins/sdk/worker_protocol.pb.h"

namespace rules_inference::sdk {
namespace {

using ::blaze::worker::WorkRequest;
using ::blaze::worker::WorkResponse;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string PluginPath() { return std::getenv("TEST_PLUGIN"); }

ProcessResult RunPlugin(std::vector<std::string> arguments, const std::string& input = "") {
  arguments.insert(arguments.begin(), PluginPath());
  auto result = RunProcess(arguments, input);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? *result : ProcessResult();
}

std::vector<WorkResponse> Serve(const std::string& input) {
  const ProcessResult result = RunPlugin({"--persistent_worker"}, input);
  EXPECT_EQ(result.exit_code, 0) << result.error;
  const auto responses = ParseResponses(result.output);
  EXPECT_TRUE(responses.ok()) << responses.status();
  return responses.ok() ? *responses : std::vector<WorkResponse>();
}

TEST(PluginTest, Describes) {
  const ProcessResult result = RunPlugin({"--describe"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, R"({"capabilities":["multiplex"],"kind":"test","name":"test_plugin",)"
                           R"("protocol_version":1,"version":"1.2.3"})"
                           "\n");
  EXPECT_EQ(result.error, "");
}

TEST(PluginTest, Version) {
  const ProcessResult result = RunPlugin({"--version"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, "test_plugin 1.2.3\n");
}

TEST(PluginTest, BadFlag) {
  const ProcessResult result = RunPlugin({"--descibe"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.output, "");
  EXPECT_EQ(result.error,
            "error: test_plugin: flags: got '--descibe', expected --describe, --version, --help, "
            "--persistent_worker, or "
            "lines of a request\n"
            "hint: `test_plugin --help` shows what there is\n");
}

TEST(PluginTest, NoArguments) {
  const ProcessResult result = RunPlugin({});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.error, HasSubstr("error: test_plugin: flags: got no arguments, expected"));
}

TEST(PluginTest, OneRequest) {
  const ProcessResult result = RunPlugin({"say a", "say b"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, "a\nb\n");
  EXPECT_EQ(result.error, "");
}

TEST(PluginTest, RequestFromParamsFile) {
  const std::string path = ::testing::TempDir() + "/one.params";
  std::ofstream(path) << "say a\nsay b\n";
  const ProcessResult result = RunPlugin({"@" + path});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, "a\nb\n");
}

TEST(PluginTest, FailedRequest) {
  const ProcessResult result = RunPlugin({"say before", "fail x"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.output, "before\n");
  EXPECT_EQ(result.error,
            "error: test: line: got 'x', expected success\nhint: do not ask for failure\n");
}

TEST(PluginTest, MissingParamsFile) {
  const ProcessResult result = RunPlugin({"@/no/such/file"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.error, "error: params file: '/no/such/file': No such file or directory\n");
}

TEST(PluginTest, FullDiskBehindStandardOutput) {
  const auto result = RunProcess({"/bin/sh", "-c", PluginPath() + " 'say a' > /dev/full"});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->exit_code, 1);
  EXPECT_EQ(result->error, "error: output: standard output: No space left on device\n");
}

TEST(PluginTest, WorkerFailsInTheWordsOfOneRequest) {
  const std::vector<WorkResponse> responses =
      Serve(Delimited(MakeRequest(0, {"say before", "fail x"})) +
            Delimited(MakeRequest(0, {"say alive"})));
  ASSERT_THAT(responses, SizeIs(2));
  EXPECT_EQ(responses[0].exit_code(), 1);
  EXPECT_EQ(responses[0].output(),
            "before\nerror: test: line: got 'x', expected success\nhint: do not ask for failure\n");
  EXPECT_EQ(responses[1].exit_code(), 0);
  EXPECT_EQ(responses[1].output(), "alive\n");
}

TEST(PluginTest, WhatAWorkerPrintsStaysOutOfTheProtocol) {
  const ProcessResult result =
      RunPlugin({"--persistent_worker"},
                Delimited(MakeRequest(0, {"print"})) + Delimited(MakeRequest(0, {"say after"})));
  EXPECT_EQ(result.exit_code, 0);
  const auto responses = ParseResponses(result.output);
  ASSERT_TRUE(responses.ok()) << responses.status();
  ASSERT_THAT(*responses, SizeIs(2));
  EXPECT_EQ((*responses)[0].output(), "");
  EXPECT_EQ((*responses)[1].output(), "after\n");
  EXPECT_THAT(result.error, HasSubstr("printf\n"));
  EXPECT_THAT(result.error, HasSubstr("cout\n"));
  EXPECT_THAT(result.error, HasSubstr("write\n"));
}

TEST(PluginTest, WhatAWorkerReadsIsNotTheProtocol) {
  const std::vector<WorkResponse> responses =
      Serve(Delimited(MakeRequest(0, {"read"})) + Delimited(MakeRequest(0, {"say after"})));
  ASSERT_THAT(responses, SizeIs(2));
  EXPECT_EQ(responses[0].output(), "read nothing\n");
  EXPECT_EQ(responses[1].output(), "after\n");
}

TEST(PluginTest, AnExceptionFailsItsRequestOnly) {
  const std::vector<WorkResponse> responses =
      Serve(Delimited(MakeRequest(0, {"throw"})) + Delimited(MakeRequest(0, {"say after"})));
  ASSERT_THAT(responses, SizeIs(2));
  EXPECT_EQ(responses[0].exit_code(), 1);
  EXPECT_EQ(responses[0].output(), "error: request: exception in the plugin: thrown\n");
  EXPECT_EQ(responses[1].exit_code(), 0);
}

TEST(PluginTest, EmptyRequestIsThePluginsAffair) {
  const std::vector<WorkResponse> responses = Serve(Delimited(MakeRequest(3, {})));
  ASSERT_THAT(responses, SizeIs(1));
  EXPECT_EQ(responses[0].exit_code(), 0);
  EXPECT_EQ(responses[0].request_id(), 3);
}

TEST(PluginTest, SandboxIsRefusedByAPluginThatIgnoresIt) {
  WorkRequest request = MakeRequest(1, {"say a"});
  request.set_sandbox_dir("__sandbox/1");
  const std::vector<WorkResponse> responses = Serve(Delimited(request));
  ASSERT_THAT(responses, SizeIs(1));
  EXPECT_EQ(responses[0].exit_code(), 1);
  EXPECT_EQ(
      responses[0].output(),
      "error: worker: sandbox_dir: got '__sandbox/1', expected none, as the plugin has no "
      "capability `sandboxing`\n"
      "hint: remove supports-multiplex-sandboxing from the execution requirements of the action\n");
}

TEST(PluginTest, WorkerEndsWithOneLineWhenTheStreamBreaks) {
  const ProcessResult result =
      RunPlugin({"--persistent_worker"}, Delimited(MakeRequest(0, {"say a"})) +
                                             "\x05"
                                             "ab");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(
      result.error,
      "error: worker: request 2: got the end of the stream after 2 bytes, expected 5 bytes\n");
}

TEST(PluginTest, Conforms) {
  for (const auto& [check, status] : CheckConformance(PluginPath(), "test", ::testing::TempDir())) {
    EXPECT_TRUE(status.ok()) << check << ": " << status;
  }
}

TEST(ConformanceTest, FindsWhatIsNoPlugin) {
  int failed = 0;
  for (const auto& [check, status] : CheckConformance("/bin/true", "", ::testing::TempDir()))
    failed += status.ok() ? 0 : 1;
  // `true` is silent and successful, which is right for a worker without requests and for nothing
  // else.
  EXPECT_EQ(failed, 11);
}

}  // namespace
}  // namespace rules_inference::sdk
