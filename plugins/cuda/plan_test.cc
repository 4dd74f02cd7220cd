#include "plugins/cuda/plan.h"

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace rules_inference::cuda {
namespace {

using Plan = std::vector<Command>;

TEST(ParsePlan, PutsSettingsWhereCommandsNameThem) {
  const absl::StatusOr<Plan> plan = ParsePlan(
      "#$ _SPACE_= \n"
      "#$ TOP=cuda/bin/..\n"
      "#$ CICC_PATH=cuda/bin/../nvvm/bin\n"
      "#$ \"$CICC_PATH/cicc\" --c++17  -arch compute_80 -o \"a.ptx\" \n"
      "a warning of somebody else\n"
      "#$ ptxas -arch=sm_80 \"a.ptx\"  -o \"a b.cubin\" \n");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(*plan,
            (Plan{{"cuda/bin/../nvvm/bin/cicc", "--c++17", "-arch", "compute_80", "-o", "a.ptx"},
                  {"ptxas", "-arch=sm_80", "a.ptx", "-o", "a b.cubin"}}));
}

TEST(ParsePlan, ReadsQuotesAsAShellDoes) {
  const absl::StatusOr<Plan> plan =
      ParsePlan("#$ \"/usr/bin\"/gcc -DA=\"\\\"x y\\\"\" '-DB=$TOP' -D\\ C \"\"\n");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(*plan, (Plan{{"/usr/bin/gcc", "-DA=\"x y\"", "-DB=$TOP", "-D C", ""}}));
}

TEST(ParsePlan, RefusesAQuoteWithoutEnd) {
  EXPECT_EQ(
      ParsePlan("#$ gcc 'a.cu\n").status().message(),
      "plan of nvcc: 'gcc \\'a.cu': got a quote that does not end, expected words of a shell");
}

TEST(FlagValue, IsTheNextWordOrTheRestOfTheSame) {
  const Command command = {"bin/fatbinary", "-o", "x", "--create=y", "-z"};
  EXPECT_EQ(Program(command), "fatbinary");
  EXPECT_EQ(FlagValue(command, "-o"), "x");
  EXPECT_EQ(FlagValue(command, "--create"), "y");
  EXPECT_EQ(FlagValue(command, "-z"), "");
  EXPECT_EQ(FlagValue(command, "-q"), "");
}

TEST(ParseDependencies, NamesEachFileOnceAndInPlainForm) {
  EXPECT_EQ(ParseDependencies("a.ii: k/a.cu \\\n  cuda/bin/..//include/b.h cuda/include/b.h \\\n"
                              " ./with\\ space.h /usr/include/c.h d$$.h\n"),
            (std::vector<std::string>{"/usr/include/c.h", "cuda/include/b.h", "d$.h", "k/a.cu",
                                      "with space.h"}));
}

TEST(ParseDependencies, OfNothingIsNothing) {
  EXPECT_EQ(ParseDependencies(""), std::vector<std::string>{});
}

}  // namespace
}  // namespace rules_inference::cuda
