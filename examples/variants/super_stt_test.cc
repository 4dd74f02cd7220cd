// What every GPU gets from the lock of super-stt, as a table that people have read.

#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/engine.h"
#include "plugins/select/lock.h"

namespace rules_inference {
namespace {

std::string Read(const std::string& name) {
  std::ifstream in(absl::StrCat("examples/variants/", name));
  EXPECT_TRUE(in.is_open()) << name;
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

sdk::VariantsLock Lock() {
  const auto lock = sdk::ParseJson<sdk::VariantsLock>("lock", Read("super_stt.lock.json"));
  EXPECT_TRUE(lock.ok()) << lock.status();
  return *lock;
}

// The same release if every archive of it had been pinned.
sdk::VariantsLock CompleteLock() {
  sdk::VariantsLock lock = Lock();
  for (sdk::Variant& variant : *lock.mutable_variants()) variant.clear_not_available();
  return lock;
}

sdk::SelectAnswer Ask(const sdk::VariantsLock& lock, const std::string& platform,
                      const std::string& capability) {
  sdk::SelectRequest request;
  *request.mutable_lock() = lock;
  sdk::HostDescriptor& host = *request.mutable_host();
  host.set_platform(platform);
  host.set_driver("580.95.05");
  host.set_driver_api("13.0");
  host.add_devices()->set_compute_capability(capability);
  return select::Select(request);
}

// "75 80 86" for the cuDNN builds that would run.
std::string Usable(const sdk::SelectAnswer& answer) {
  std::vector<absl::string_view> codes;
  for (const sdk::Candidate& candidate : answer.candidates()) {
    absl::string_view name = candidate.name();
    if (!candidate.has_reason() && absl::ConsumePrefix(&name, "cuda-cudnn-sm"))
      codes.push_back(name);
  }
  return codes.empty() ? "-" : absl::StrJoin(codes, " ");
}

TEST(SuperSttTest, TheLockIsGood) {
  const sdk::VariantsLock lock = Lock();
  std::vector<std::string> warnings;
  EXPECT_TRUE(select::CheckLock(lock, "super_stt.lock.json", &warnings).ok());
  EXPECT_EQ(lock.variants_size(), 30);
  // The release publishes no sizes.
  EXPECT_EQ(warnings.size(), 7U);
}

TEST(SuperSttTest, EveryGpu) {
  std::string table = absl::StrFormat("%-42s %-5s %-18s %-8s %-18s %s\n", "GPU", "cc", "x86_64",
                                      "aarch64", "were all pinned", "cuDNN builds that run");
  for (const absl::string_view line : absl::StrSplit(Read("gpus.tsv"), '\n', absl::SkipEmpty())) {
    if (line[0] == '#') continue;
    const std::vector<std::string> fields = absl::StrSplit(line, '\t');
    const sdk::SelectAnswer all = Ask(CompleteLock(), "linux-x86_64", fields[1]);
    absl::StrAppend(&table,
                    absl::StrFormat("%-42s %-5s %-18s %-8s %-18s %s\n", fields[0], fields[1],
                                    Ask(Lock(), "linux-x86_64", fields[1]).chosen(),
                                    Ask(Lock(), "linux-aarch64", fields[1]).chosen(), all.chosen(),
                                    Usable(all)));
  }
  if (table != Read("gpus.golden")) std::cout << table;
  EXPECT_EQ(table, Read("gpus.golden"));
}

TEST(SuperSttTest, NoRowWithoutAPinIsEverChosen) {
  const sdk::VariantsLock lock = Lock();
  for (const char* capability :
       {"7.0", "7.5", "8.0", "8.6", "8.7", "8.9", "9.0", "10.0", "10.3", "11.0", "12.0", "12.1"}) {
    for (const char* platform : {"linux-x86_64", "linux-aarch64"}) {
      const sdk::SelectAnswer answer = Ask(lock, platform, capability);
      ASSERT_GE(answer.row(), 0);
      EXPECT_EQ(lock.variants(answer.row()).not_available(), "");
      EXPECT_NE(lock.variants(answer.row()).sha256(), "");
    }
  }
}

}  // namespace
}  // namespace rules_inference
