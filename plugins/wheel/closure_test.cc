#include "plugins/wheel/closure.h"

#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "plugins/sdk/wheel.pb.h"

namespace rules_inference::wheel {
namespace {

sdk::WheelLayout Wheel(const std::string& name) {
  sdk::WheelLayout wheel;
  wheel.set_name(name);
  return wheel;
}

sdk::NativeLibrary& Add(sdk::WheelLayout& wheel, const std::string& path,
                        const std::vector<std::string>& needed,
                        const std::vector<std::string>& rpath = {}) {
  sdk::NativeLibrary& library = *wheel.add_native_libraries();
  library.set_path(path);
  for (const std::string& name : needed) library.add_needed(name);
  for (const std::string& element : rpath) library.add_rpath(element);
  return library;
}

std::string Missing(const std::vector<sdk::WheelLayout>& wheels,
                    const ClosureOptions& options = {}) {
  return absl::StrJoin(CheckClosure(wheels, options).missing, "\n");
}

TEST(ClosureTest, TheSystemHasItsOwn) {
  sdk::WheelLayout wheel = Wheel("demo");
  Add(wheel, "demo/a.so", {"libc.so.6", "ld-linux-x86-64.so.2", "libstdc++.so.6", "libz.so.1"});
  EXPECT_EQ(Missing({wheel}), "demo: demo/a.so needs libz.so.1");
  EXPECT_EQ(Missing({wheel}, {.system = {"libz.so.1"}}), "");
  EXPECT_EQ(Missing({wheel}, {.system = {"libz*"}}), "");
}

TEST(ClosureTest, AnotherWheelHasIt) {
  sdk::WheelLayout torch = Wheel("torch");
  Add(torch, "torch/lib/libtorch.so", {"libcublas.so.12"},
      {"$ORIGIN/../../nvidia/cublas/lib", "/usr/local/cuda/lib64"});
  sdk::WheelLayout cublas = Wheel("nvidia-cublas");
  Add(cublas, "nvidia/cublas/lib/libcublas.so.12", {"libcublasLt.so.12"}, {"$ORIGIN"});
  EXPECT_EQ(Missing({torch}), "torch: torch/lib/libtorch.so needs libcublas.so.12");
  EXPECT_EQ(Missing({torch, cublas}),
            "nvidia-cublas: nvidia/cublas/lib/libcublas.so.12 needs libcublasLt.so.12");
  Add(cublas, "nvidia/cublas/lib/libcublasLt.so.12", {});
  EXPECT_EQ(Missing({torch, cublas}, {.strict = true}), "");
}

TEST(ClosureTest, StrictWantsAPath) {
  sdk::WheelLayout a = Wheel("a");
  Add(a, "a/x.so", {"libb.so"});
  sdk::WheelLayout b = Wheel("b");
  Add(b, "b/anything.so", {}).set_soname("libb.so");
  EXPECT_EQ(Missing({a, b}), "");
  EXPECT_EQ(Missing({a, b}, {.strict = true}),
            "a: a/x.so needs libb.so, which its RPATH does not lead to");
}

TEST(ClosureTest, RunpathHidesRpath) {
  sdk::WheelLayout wheel = Wheel("a");
  Add(wheel, "a/x.so", {"liby.so"}, {"$ORIGIN/lib"}).add_runpath("$ORIGIN/other");
  Add(wheel, "a/lib/liby.so", {});
  EXPECT_EQ(Missing({wheel}, {.strict = true}),
            "a: a/x.so needs liby.so, which its RPATH does not lead to");
}

TEST(ClosureTest, APathOutOfTheTreeLeadsNowhere) {
  sdk::WheelLayout wheel = Wheel("a");
  Add(wheel, "a/x.so", {"liby.so"}, {"$ORIGIN/../../../a"});
  Add(wheel, "a/liby.so", {});
  EXPECT_NE(Missing({wheel}, {.strict = true}), "");
}

TEST(ClosureTest, SitePackages) {
  sdk::WheelLayout a = Wheel("a");
  a.set_site_packages("lib/python3.12/site-packages");
  Add(a, "lib/python3.12/site-packages/a/x.so", {"liby.so"}, {"${ORIGIN}/../b.libs"});
  sdk::WheelLayout b = Wheel("b");
  Add(b, "b.libs/liby.so", {});
  EXPECT_EQ(Missing({a, b}, {.strict = true}), "");
}

}  // namespace
}  // namespace rules_inference::wheel
