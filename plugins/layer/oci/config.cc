#include "plugins/layer/oci/config.h"

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/oci/base_image.h"
#include "plugins/layer/oci/json.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {
namespace {

using base::Mismatch;
using base::Quoted;

constexpr absl::string_view kEpoch = "1970-01-01T00:00:00Z";
constexpr absl::string_view kWhere = "image";

using KeyValues = google::protobuf::RepeatedPtrField<sdk::KeyValue>;
using Texts = google::protobuf::RepeatedPtrField<std::string>;

absl::StatusOr<std::string> Created(const sdk::ImageRequest& request) {
  if (request.created().empty()) return std::string(kEpoch);
  absl::Time time;
  // ParseTime also takes "infinite-future".
  if (!absl::ascii_isdigit(static_cast<unsigned char>(request.created()[0])) ||
      !absl::ParseTime(absl::RFC3339_full, request.created(), &time, nullptr)) {
    return Mismatch(kWhere, "created", Quoted(request.created()),
                    absl::StrCat("an RFC 3339 time such as '", kEpoch, "'"));
  }
  return request.created();
}

absl::Status CheckKeys(const KeyValues& values, absl::string_view name,
                       absl::string_view forbidden) {
  absl::flat_hash_set<absl::string_view> seen;
  for (const sdk::KeyValue& entry : values) {
    if (entry.key().empty() || entry.key().find_first_of(forbidden) != std::string::npos) {
      return Mismatch(
          kWhere, name, Quoted(entry.key()),
          forbidden.empty() ? "a key" : absl::StrCat("a key without '", forbidden, "'"));
    }
    if (!seen.insert(entry.key()).second) {
      return Mismatch(kWhere, name, absl::StrCat(Quoted(entry.key()), " twice"), "every key once");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckPath(absl::string_view path, absl::string_view name) {
  if (absl::StartsWith(path, "/")) return absl::OkStatus();
  return Mismatch(kWhere, name, Quoted(path), "an absolute path");
}

absl::Status CheckPort(absl::string_view port) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(port, absl::MaxSplits('/', 1));
  int number = 0;
  const bool protocol = !absl::StrContains(port, '/') || parts.second == "tcp" ||
                        parts.second == "udp" || parts.second == "sctp";
  if (protocol && absl::SimpleAtoi(parts.first, &number) && number >= 1 && number <= 65535 &&
      absl::StrCat(number) == parts.first) {
    return absl::OkStatus();
  }
  return Mismatch(kWhere, "exposed_ports", Quoted(port), "a port such as '8080' or '8080/tcp'");
}

// Ports and volumes are JSON objects whose members are empty objects; sorted, because they are
// sets.
Json MergedSet(const Json* old, const Texts& added) {
  std::map<std::string, Json> members;
  if (old != nullptr) members.insert(old->members().begin(), old->members().end());
  for (const std::string& key : added) members.emplace(key, Json::Object());
  Json result = Json::Object();
  for (auto& [key, value] : members) result.AddMember(key, std::move(value));
  return result;
}

Json MergedLabels(const Json* old, const KeyValues& added) {
  std::map<std::string, Json> members;
  if (old != nullptr) members.insert(old->members().begin(), old->members().end());
  for (const sdk::KeyValue& entry : added)
    members.insert_or_assign(entry.key(), Json::String(entry.value()));
  Json result = Json::Object();
  for (auto& [key, value] : members) result.AddMember(key, std::move(value));
  return result;
}

Json MergedEnv(const Json* old, const KeyValues& added) {
  Json result = Json::Array();
  if (old != nullptr) result = *old;
  for (const sdk::KeyValue& entry : added) {
    const std::string start = absl::StrCat(entry.key(), "=");
    Json value = Json::String(absl::StrCat(start, entry.value()));
    bool replaced = false;
    for (Json& item : result.items()) {
      if (absl::StartsWith(item.text(), start)) {
        item = value;
        replaced = true;
      }
    }
    if (!replaced) result.Append(std::move(value));
  }
  return result;
}

// The member "config": how a container runs.
absl::StatusOr<Json> RunConfig(const sdk::ImageRequest& request, const Json& base_config) {
  Json old = Json::Object();
  if (const Json* member = base_config.Find("config"); member != nullptr && member->is_object())
    old = *member;
  // Docker writes null for what is not set. A member of a wrong kind would be carried into the new
  // image.
  auto take = [&old](absl::string_view key, Json::Kind kind) -> absl::StatusOr<const Json*> {
    const Json* member = old.Find(key);
    if (member == nullptr || member->kind() == Json::Kind::kNull) return nullptr;
    if (member->kind() == kind) return member;
    return Mismatch("base image", absl::StrCat("config.", key), JsonKindName(member->kind()),
                    JsonKindName(kind));
  };
  Json result = Json::Object();
  auto text = [&](absl::string_view key, const std::string& value) -> absl::Status {
    ASSIGN_OR_RETURN(const Json* member, take(key, Json::Kind::kString));
    if (!value.empty()) {
      result.AddMember(std::string(key), Json::String(value));
    } else if (member != nullptr && !member->text().empty()) {
      result.AddMember(std::string(key), *member);
    }
    return absl::OkStatus();
  };
  auto add = [&result](absl::string_view key, Json value) {
    if (!value.members().empty() || !value.items().empty())
      result.AddMember(std::string(key), std::move(value));
  };

  RETURN_IF_ERROR(text("User", request.user()));
  ASSIGN_OR_RETURN(const Json* ports, take("ExposedPorts", Json::Kind::kObject));
  add("ExposedPorts", MergedSet(ports, request.exposed_ports()));
  ASSIGN_OR_RETURN(const Json* env, take("Env", Json::Kind::kArray));
  add("Env", MergedEnv(env, request.env()));
  ASSIGN_OR_RETURN(const Json* entrypoint, take("Entrypoint", Json::Kind::kArray));
  ASSIGN_OR_RETURN(const Json* cmd, take("Cmd", Json::Kind::kArray));
  if (!request.entrypoint().empty()) {
    add("Entrypoint", Json::Strings(request.entrypoint()));
    // The base's cmd holds arguments for the base's entrypoint.
    cmd = nullptr;
  } else if (entrypoint != nullptr) {
    add("Entrypoint", *entrypoint);
  }
  if (!request.cmd().empty()) {
    add("Cmd", Json::Strings(request.cmd()));
  } else if (cmd != nullptr) {
    add("Cmd", *cmd);
  }
  ASSIGN_OR_RETURN(const Json* volumes, take("Volumes", Json::Kind::kObject));
  add("Volumes", MergedSet(volumes, request.volumes()));
  RETURN_IF_ERROR(text("WorkingDir", request.working_dir()));
  ASSIGN_OR_RETURN(const Json* labels, take("Labels", Json::Kind::kObject));
  add("Labels", MergedLabels(labels, request.labels()));
  RETURN_IF_ERROR(text("StopSignal", request.stop_signal()));

  const absl::flat_hash_set<absl::string_view> known = {"User",       "ExposedPorts", "Env",
                                                        "Entrypoint", "Cmd",          "Volumes",
                                                        "WorkingDir", "Labels",       "StopSignal"};
  for (const auto& [key, value] : old.members()) {
    if (!known.contains(key) && value.kind() != Json::Kind::kNull) result.AddMember(key, value);
  }
  return result;
}

absl::StatusOr<Json> History(const BaseImage& base_image, const std::string& created,
                             const std::vector<sdk::LayerMetadata>& layers) {
  Json result = Json::Array();
  size_t described = 0;
  const Json* old = base_image.config.Find("history");
  if (old != nullptr && old->is_array()) {
    for (const Json& entry : old->items()) {
      if (!entry.is_object()) {
        return Mismatch("base image", "history", JsonKindName(entry.kind()), "an object");
      }
      Json copy = Json::Object();
      const Json* time = entry.Find("created");
      copy.Set("created", time != nullptr && time->is_string() ? *time : Json::String(kEpoch));
      for (const auto& [key, value] : entry.members()) {
        if (key != "created") copy.AddMember(key, value);
      }
      const Json* empty = entry.Find("empty_layer");
      if (empty == nullptr || empty->text() != "true") ++described;
      result.Append(std::move(copy));
    }
  }
  if (result.items().empty()) {
    // History is optional, but all or nothing: our entries must stand beside the layers that they
    // describe.
    for (; described < base_image.layers.size(); ++described) {
      Json entry = Json::Object();
      entry.Set("created", Json::String(kEpoch));
      entry.Set("created_by", Json::String("base image"));
      result.Append(std::move(entry));
    }
  }
  if (described != base_image.layers.size()) {
    return Mismatch("base image", "history", absl::StrCat(described, " entries with a layer"),
                    absl::StrCat(base_image.layers.size(), " as there are layers"));
  }
  for (const sdk::LayerMetadata& layer : layers) {
    Json entry = Json::Object();
    entry.Set("created", Json::String(created));
    entry.Set("created_by",
              Json::String(layer.created_by().empty() ? "layer" : layer.created_by()));
    result.Append(std::move(entry));
  }
  return result;
}

absl::Status CheckRequest(const sdk::ImageRequest& request) {
  RETURN_IF_ERROR(CheckKeys(request.env(), "env", "="));
  RETURN_IF_ERROR(CheckKeys(request.labels(), "labels", ""));
  RETURN_IF_ERROR(CheckKeys(request.annotations(), "annotations", ""));
  if (!request.working_dir().empty())
    RETURN_IF_ERROR(CheckPath(request.working_dir(), "working_dir"));
  for (const std::string& path : request.volumes()) RETURN_IF_ERROR(CheckPath(path, "volumes"));
  for (const std::string& port : request.exposed_ports()) RETURN_IF_ERROR(CheckPort(port));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Json> BuildConfig(const sdk::ImageRequest& request, const BaseImage& base_image,
                                 const std::vector<sdk::LayerMetadata>& layers) {
  RETURN_IF_ERROR(CheckRequest(request));
  ASSIGN_OR_RETURN(const std::string created, Created(request));
  ASSIGN_OR_RETURN(Json run, RunConfig(request, base_image.config));
  ASSIGN_OR_RETURN(Json history, History(base_image, created, layers));

  Json diff_ids = Json::Array();
  if (const Json* rootfs = base_image.config.Find("rootfs"); rootfs != nullptr) {
    if (const Json* old = rootfs->Find("diff_ids"); old != nullptr) diff_ids = *old;
  }
  for (const sdk::LayerMetadata& layer : layers) diff_ids.Append(Json::String(layer.diff_id()));
  Json rootfs = Json::Object();
  rootfs.Set("type", Json::String("layers"));
  rootfs.Set("diff_ids", std::move(diff_ids));

  Json result = Json::Object();
  auto keep = [&](absl::string_view key) {
    const Json* member = base_image.config.Find(key);
    if (member != nullptr && member->kind() != Json::Kind::kNull) result.Set(key, *member);
  };
  result.Set("created", Json::String(created));
  keep("author");
  result.Set("architecture", Json::String(request.platform().architecture()));
  if (!request.platform().variant().empty()) {
    result.Set("variant", Json::String(request.platform().variant()));
  } else {
    keep("variant");
  }
  result.Set("os", Json::String(request.platform().os()));
  keep("os.version");
  keep("os.features");
  result.Set("config", std::move(run));
  result.Set("rootfs", std::move(rootfs));
  result.Set("history", std::move(history));
  return result;
}

}  // namespace rules_inference::layer::oci
