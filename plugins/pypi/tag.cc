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

// Ranks of (python, abi): own, own with the stable ABI, own without one, older ones with the stable
// ABI, then what is for any interpreter. Of two of one kind the newer is better.
std::optional<int> PythonRank(absl::string_view python, absl::string_view abi, int minor,
                              bool free_threaded) {
  const std::string own = absl::StrCat("cp3", minor, free_threaded ? "t" : "");
  absl::string_view digits = python;
  if (absl::ConsumePrefix(&digits, "cp")) {
    const std::optional<int> wants = Minor(digits);
    if (!wants.has_value()) return std::nullopt;
    // The stable ABI of an older Python serves, from 3.2 on; free-threaded ones do not have it.
    if (abi == "abi3" && !free_threaded && *wants <= minor && *wants >= 2) {
      return *wants == minor ? 1 : 3 + minor - *wants;
    }
    if (*wants != minor) return std::nullopt;
    if (abi == own) return 0;
    if (abi == "none") return 2;
    return std::nullopt;
  }
  if (!absl::ConsumePrefix(&digits, "py") || abi != "none") return std::nullopt;
  if (digits == "3") return 101;
  const std::optional<int> wants = Minor(digits);
  if (!wants.has_value() || *wants > minor) return std::nullopt;
  return *wants == minor ? 100 : 101 + minor - *wants;
}

// Ranks of platform tags; "any" is not one of them.
std::optional<int> PlatformRank(absl::string_view tag, absl::string_view os, absl::string_view cpu,
                                int glibc_minor) {
  if (os == "linux") {
    absl::string_view rest = tag;
    if (!absl::ConsumeSuffix(&rest, absl::StrCat("_", cpu))) return std::nullopt;
    if (rest == "linux") return 999;
    int minor = 0;
    bool old_name = true;
    // The names of before PEP 600.
    if (rest == "manylinux1") {
      minor = 5;
    } else if (rest == "manylinux2010") {
      minor = 12;
    } else if (rest == "manylinux2014") {
      minor = 17;
    } else if (absl::ConsumePrefix(&rest, "manylinux_2_") && absl::SimpleAtoi(rest, &minor)) {
      old_name = false;
    } else {
      return std::nullopt;
    }
    if (minor > glibc_minor) return std::nullopt;
    return 2 * (glibc_minor - minor) + (old_name ? 1 : 0);
  }
  if (os == "macos") {
    const absl::string_view machine = cpu == "aarch64" ? "_arm64" : "_x86_64";
    if (!absl::StartsWith(tag, "macosx_")) return std::nullopt;
    if (absl::EndsWith(tag, machine)) return 0;
    if (absl::EndsWith(tag, "_universal2")) return 1;
    return std::nullopt;
  }
  if (tag == (cpu == "aarch64" ? "win_arm64" : "win_amd64")) return 0;
  return std::nullopt;
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

std::optional<int> WheelRank(const WheelName& wheel, absl::string_view python,
                             absl::string_view platform, int glibc_minor) {
  constexpr int kPlatforms = 1000;
  // Wheels for any platform come after all that are for this one.
  constexpr int kAny = 1000 * kPlatforms;
  const bool free_threaded = absl::ConsumeSuffix(&python, "t");
  int minor = 0;
  if (!absl::ConsumePrefix(&python, "3.") || !absl::SimpleAtoi(python, &minor)) {
    return std::nullopt;
  }
  const size_t dash = platform.find('-');
  if (dash == absl::string_view::npos) return std::nullopt;
  const absl::string_view os = platform.substr(0, dash);
  const absl::string_view cpu = platform.substr(dash + 1);
  std::optional<int> best;
  for (const std::string& tag : wheel.pythons) {
    for (const std::string& abi : wheel.abis) {
      const std::optional<int> of_python = PythonRank(tag, abi, minor, free_threaded);
      if (!of_python.has_value()) continue;
      for (const std::string& name : wheel.platforms) {
        const std::optional<int> of_platform =
            name == "any" ? std::optional<int>(0) : PlatformRank(name, os, cpu, glibc_minor);
        // An interpreter's ABI on any platform is no combination that installers know.
        if (!of_platform.has_value() || (name == "any" && abi != "none")) continue;
        const int rank = name == "any" ? kAny + *of_python : *of_python * kPlatforms + *of_platform;
        if (!best.has_value() || rank < *best) best = rank;
      }
    }
  }
  return best;
}

bool WheelFits(const WheelName& wheel, absl::string_view python, absl::string_view platform,
               int glibc_minor) {
  return WheelRank(wheel, python, platform, glibc_minor).has_value();
}

}  // namespace rules_inference::pypi
