#include "plugins/pypi/lock_json.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/pypi/coverage.h"
#include "plugins/pypi/json_value.h"
#include "plugins/pypi/name.h"

namespace rules_inference::pypi {
namespace {

constexpr char kWhat[] = "lock.json";

// "cp312_linux_x86_64", as the hub names it.
std::string KeyOf(const Configuration& configuration) {
  return absl::StrCat("cp", absl::StrReplaceAll(configuration.python, {{".", ""}}), "_",
                      absl::StrReplaceAll(configuration.platform, {{"-", "_"}}));
}

Pin PinOf(const JsonValue& package) {
  Pin pin;
  pin.name = NormalizeName(package["name"].text);
  pin.version = package["version"].text;
  pin.used_in.emplace();
  for (const JsonValue& wheel : package["wheels"].list) {
    PinnedFile& file = pin.files.emplace_back();
    file.name = wheel["file"].text;
    file.size = wheel["size"].Number();
    file.sha256 = wheel["sha256"].text;
  }
  if (!package["sdist"].text.empty()) pin.files.emplace_back().name = package["sdist"].text;
  for (const JsonValue& hash : package["hashes"].list) pin.hashes.insert(hash.text);
  // A repository, or source code: nothing that could be a wheel.
  if (pin.files.empty() && pin.hashes.empty()) {
    pin.files.emplace_back().name = package["not_a_wheel"].text;
  }
  return pin;
}

}  // namespace

absl::StatusOr<std::vector<Pin>> ReadLockJson(absl::string_view where, absl::string_view text,
                                              const std::vector<Configuration>& configurations) {
  ASSIGN_OR_RETURN(const JsonValue document, ParseJsonValue(kWhat, where, text));
  const JsonValue& packages = document["lock"]["packages"];
  const JsonValue& uses = document["configurations"];
  if (packages.kind != JsonValue::Kind::kList || uses.kind != JsonValue::Kind::kObject) {
    return base::Mismatch(kWhat, where, "neither 'configurations' nor 'lock' with 'packages'",
                          "the lock.json of a hub, or a requirements file");
  }
  std::vector<Pin> pins;
  std::set<size_t> own;
  for (const JsonValue& package : packages.list) {
    if (package["own"].text == "true") own.insert(pins.size());
    pins.push_back(PinOf(package));
  }
  for (const Configuration& configuration : configurations) {
    const std::string key = KeyOf(configuration);
    if (uses.object.count(key) == 0) {
      std::vector<std::string> keys;
      for (const auto& [name, used] : uses.object) keys.push_back(name);
      return base::Mismatch(kWhat, where, absl::StrCat("no configuration ", key),
                            absl::StrCat("one of ", absl::StrJoin(keys, ", ")));
    }
    for (const auto& [name, used] : uses[key].object) {
      const uint64_t index = used["index"].Number();
      if (index >= pins.size()) {
        return base::Mismatch(kWhat, where, absl::StrCat(key, ": ", name, ": index ", index),
                              absl::StrCat("less than ", pins.size()));
      }
      pins[index].used_in->insert(configuration.Name());
    }
  }
  // What no configuration uses is not locked for any; the user's own code is not asked for.
  std::vector<Pin> used;
  for (size_t i = 0; i < pins.size(); ++i) {
    if (!pins[i].used_in->empty() && own.count(i) == 0) used.push_back(std::move(pins[i]));
  }
  return used;
}

}  // namespace rules_inference::pypi
