#include "plugins/layer/oci/documents.h"

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/layer/oci/json.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {

// The grammar of the image-spec, a little wider: readers split names at other places than at these
// characters.
absl::StatusOr<std::string> RefName(absl::string_view what, const std::string& name) {
  if (name.empty()) return "latest";
  bool good = absl::ascii_isalnum(static_cast<unsigned char>(name.front())) &&
              absl::ascii_isalnum(static_cast<unsigned char>(name.back()));
  for (const char c : name) {
    good = good && (absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                    absl::string_view("-._:@/+").find(c) != absl::string_view::npos);
  }
  if (good) return name;
  return base::Mismatch(what, "ref_name", base::Quoted(name),
                        "letters, digits and '-._:@/+' between letters or digits");
}

Json SortedMap(const google::protobuf::RepeatedPtrField<sdk::KeyValue>& values) {
  std::map<std::string, std::string> sorted;
  for (const sdk::KeyValue& entry : values) sorted[entry.key()] = entry.value();
  Json result = Json::Object();
  for (const auto& [key, value] : sorted) result.AddMember(key, Json::String(value));
  return result;
}

absl::Status WriteAll(const std::vector<std::pair<std::string, std::string>>& files,
                      base::FileSystem& fs) {
  for (size_t i = 0; i < files.size(); ++i) {
    const absl::Status status = base::WriteFile(fs, files[i].first, files[i].second);
    if (status.ok()) continue;
    // What is reported is the first error; Bazel removes what could not be removed here.
    for (size_t j = 0; j < i; ++j) fs.RemoveTree(files[j].first).IgnoreError();
    return status;
  }
  return absl::OkStatus();
}

}  // namespace rules_inference::layer::oci
