#include "plugins/pypi/tag.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace rules_inference::pypi {
namespace {

// 312 for "312", 39 for "39": major and minor without a dot, the major being one digit.
std::optional<int> Minor(absl::string_view digits) {
  int minor = 0;
  if (digits.size() < 2 || digits[0] != '3' || !absl::SimpleAtoi(digits.substr(1), &minor)) {
    return std::nullopt;
  }
  return minor;
}

bool PythonFits(absl::string_view python, absl::string_view abi, int minor, bool free_threaded) {
  const std::string own = absl::StrCat("cp3", minor, free_threaded ? "t" : "");
  absl::string_view digits = python;
  if (absl::ConsumePrefix(&digits, "cp")) {
    const std::optional<int> wants = Minor(digits);
    if (!wants.has_value()) return false;
    // The stable ABI of an older Python serves; free-threaded ones do not have it.
    if (abi == "abi3") return !free_threaded && *wants <= minor;
    if (abi == "none") return *wants == minor;
    return *wants == minor && abi == own;
  }
  if (!absl::ConsumePrefix(&digits, "py") || abi != "none") return false;
  if (digits == "3") return true;
  const std::optional<int> wants = Minor(digits);
  return wants.has_value() && *wants <= minor;
}

bool PlatformFits(absl::string_view tag, absl::string_view os, absl::string_view cpu,
                  int glibc_minor) {
  if (tag == "any") return true;
  if (os == "linux") {
    absl::string_view rest = tag;
    if (!absl::ConsumeSuffix(&rest, absl::StrCat("_", cpu))) return false;
    if (rest == "linux") return true;
    // The names of before PEP 600.
    if (rest == "manylinux1") return glibc_minor >= 5;
    if (rest == "manylinux2010") return glibc_minor >= 12;
    if (rest == "manylinux2014") return glibc_minor >= 17;
    int minor = 0;
    return absl::ConsumePrefix(&rest, "manylinux_2_") && absl::SimpleAtoi(rest, &minor) &&
           minor <= glibc_minor;
  }
  if (os == "macos") {
    const absl::string_view machine = cpu == "aarch64" ? "_arm64" : "_x86_64";
    return absl::StartsWith(tag, "macosx_") &&
           (absl::EndsWith(tag, machine) || absl::EndsWith(tag, "_universal2"));
  }
  return tag == (cpu == "aarch64" ? "win_arm64" : "win_amd64");
}

}  // namespace

std::optional<WheelName> ParseWheelName(absl::string_view file) {
  if (!absl::ConsumeSuffix(&file, ".whl")) return std::nullopt;
  const std::vector<std::string> parts = absl::StrSplit(file, '-');
  if (parts.size() != 5 && parts.size() != 6) return std::nullopt;
  if (absl::c_any_of(parts, [](const std::string& part) { return part.empty(); })) {
    return std::nullopt;
  }
  WheelName wheel;
  wheel.distribution = parts[0];
  wheel.version = parts[1];
  if (parts.size() == 6) {
    wheel.build = parts[2];
    if (!absl::ascii_isdigit(static_cast<unsigned char>(wheel.build[0]))) return std::nullopt;
  }
  const size_t tags = parts.size() - 3;
  wheel.pythons = absl::StrSplit(parts[tags], '.');
  wheel.abis = absl::StrSplit(parts[tags + 1], '.');
  wheel.platforms = absl::StrSplit(parts[tags + 2], '.');
  return wheel;
}

bool WheelFits(const WheelName& wheel, absl::string_view python, absl::string_view platform,
               int glibc_minor) {
  const bool free_threaded = absl::ConsumeSuffix(&python, "t");
  int minor = 0;
  if (!absl::ConsumePrefix(&python, "3.") || !absl::SimpleAtoi(python, &minor)) return false;
  const size_t dash = platform.find('-');
  const absl::string_view os = platform.substr(0, dash);
  const absl::string_view cpu = platform.substr(dash + 1);
  const bool on_python = absl::c_any_of(wheel.pythons, [&](const std::string& tag) {
    return absl::c_any_of(wheel.abis, [&](const std::string& abi) {
      return PythonFits(tag, abi, minor, free_threaded);
    });
  });
  return on_python && absl::c_any_of(wheel.platforms, [&](const std::string& tag) {
           return PlatformFits(tag, os, cpu, glibc_minor);
         });
}

}  // namespace rules_inference::pypi
