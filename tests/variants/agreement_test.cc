// The C++ engine gives the answers of the Starlark walk, to the last number and word, to requests
// that a rule has written; the vectors among them also have the variant that people have pinned.

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/select/engine.h"
#include "tests/variants/agreement.pb.h"

namespace rules_inference::select {
namespace {

TEST(AgreementTest, OnEveryRequest) {
  int count = 0;
  std::map<std::string, int> outcomes;
  for (const char* file : {REQUESTS}) {
    std::ifstream in(file);
    ASSERT_TRUE(in.is_open()) << file;
    for (std::string line; std::getline(in, line);) {
      const auto entry = sdk::ParseJson<tests::Agreement>("line", line);
      ASSERT_TRUE(entry.ok()) << entry.status() << "\n" << line;
      const sdk::SelectAnswer answer = Select(entry->request());
      ASSERT_EQ(sdk::ToCanonicalJson(answer), sdk::ToCanonicalJson(entry->answer()))
          << entry->name() << "\n"
          << sdk::ToCanonicalJson(entry->request());
      if (entry->has_chosen()) {
        ASSERT_EQ(answer.chosen(), entry->chosen()) << entry->name();
      }
      ++count;
      ++outcomes[answer.error().empty() ? "chosen" : "error"];
      for (const sdk::Candidate& candidate : answer.candidates()) {
        ++outcomes[candidate.reason().code()];
      }
    }
  }
  EXPECT_GT(count, 100);
  // A test that reaches nothing agrees easily.
  for (const char* code :
       {"bad_code",           "bad_cpu_level", "bad_cuda",          "bad_cudnn",
        "bad_host",           "bad_libc",      "cpu_level_too_low", "driver_too_old",
        "libc_other",         "libc_too_old",  "libc_unknown",      "no_code",
        "no_code_for_device", "no_device",     "no_driver",         "not_available",
        "property_missing",   "ptx_too_new",   "soname_missing",    "unknown_accelerator"}) {
    EXPECT_GT(outcomes[code], 0) << code;
  }
  EXPECT_GT(outcomes["chosen"], 0);
  EXPECT_GT(outcomes["error"], 0);
  std::cout << count << " requests, " << outcomes["chosen"] << " with a choice\n";
}

}  // namespace
}  // namespace rules_inference::select
