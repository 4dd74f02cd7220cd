#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "plugins/lock/update.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::lock {
namespace {

// Fields in the order in which they are shown, with their values; none for an empty field.
using Fields = std::vector<std::pair<std::string, std::vector<std::string>>>;
using Key = std::pair<std::string, std::string>;

void Add(Fields& fields, absl::string_view name, absl::string_view value) {
  fields.push_back({std::string(name), {}});
  if (!value.empty()) fields.back().second.emplace_back(value);
}

template <typename List>
void AddList(Fields& fields, absl::string_view name, const List& list) {
  fields.push_back({std::string(name), {list.begin(), list.end()}});
}

std::string Number(uint64_t value) { return value == 0 ? "" : absl::StrCat(value); }

Fields FieldsOf(const sdk::Variant& row) {
  const sdk::VariantProperties& wants = row.properties();
  Fields fields;
  Add(fields, "not_available", row.not_available());
  AddList(fields, "urls", row.urls());
  Add(fields, "size", Number(row.size()));
  Add(fields, "sha256", row.sha256());
  Add(fields, "format", row.format());
  Add(fields, "strip_prefix", row.strip_prefix());
  std::vector<std::string> parts;
  for (const sdk::ArchivePart& part : row.parts()) {
    parts.push_back(absl::StrCat(absl::StrJoin(part.urls(), " "), ", ", part.size(), " bytes, ",
                                 part.sha256()));
  }
  AddList(fields, "parts", parts);
  Add(fields, "accelerator", wants.accelerator());
  AddList(fields, "cubins", wants.cubins());
  std::vector<std::string> ptx;
  for (const sdk::PtxCode& code : wants.ptx()) {
    ptx.push_back(absl::StrCat(code.arch(), " of toolkit ", code.toolkit()));
  }
  AddList(fields, "ptx", ptx);
  Add(fields, "cuda", wants.cuda());
  Add(fields, "cudnn", wants.cudnn());
  AddList(fields, "sonames", wants.sonames());
  Add(fields, "cpu_level", wants.cpu_level());
  Add(fields, "libc", wants.libc());
  std::vector<std::string> properties;
  for (const sdk::ProviderProperty& item : wants.properties()) {
    properties.push_back(absl::StrCat(item.namespace_(), "::", item.feature(), " = ",
                                      absl::StrJoin(item.values(), ", ")));
  }
  AddList(fields, "properties", properties);
  return fields;
}

void DiffFields(const Fields& before, const Fields& after, absl::string_view indent,
                std::string& out) {
  for (size_t i = 0; i < after.size(); ++i) {
    const std::string& name = after[i].first;
    const std::vector<std::string>& old_values = before[i].second;
    const std::vector<std::string>& new_values = after[i].second;
    if (old_values == new_values) continue;
    if (old_values.size() == 1 && new_values.size() == 1) {
      absl::StrAppend(&out, indent, "~ ", name, ": ", old_values[0], " -> ", new_values[0], "\n");
      continue;
    }
    const size_t size = out.size();
    for (const std::string& value : old_values) {
      if (absl::c_linear_search(new_values, value)) continue;
      absl::StrAppend(&out, indent, "- ", name, ": ", value, "\n");
    }
    for (const std::string& value : new_values) {
      if (absl::c_linear_search(old_values, value)) continue;
      absl::StrAppend(&out, indent, "+ ", name, ": ", value, "\n");
    }
    // The same values in another order, or one of them twice.
    if (out.size() == size) {
      absl::StrAppend(&out, indent, "~ ", name, ": ", absl::StrJoin(old_values, ", "), " -> ",
                      absl::StrJoin(new_values, ", "), "\n");
    }
  }
}

Key KeyOf(const sdk::Variant& row) { return {row.name(), row.platform()}; }

std::string Name(const Key& key) { return absl::StrCat(key.first, " for ", key.second); }

std::map<Key, const sdk::Variant*> Rows(const sdk::VariantsLock& lock) {
  std::map<Key, const sdk::Variant*> rows;
  for (const sdk::Variant& row : lock.variants()) rows.insert({KeyOf(row), &row});
  return rows;
}

// Names of the rows of `lock` that `other` has too, in the order of `lock`.
std::vector<std::string> Common(const sdk::VariantsLock& lock,
                                const std::map<Key, const sdk::Variant*>& other) {
  std::vector<std::string> names;
  for (const sdk::Variant& row : lock.variants()) {
    if (other.contains(KeyOf(row))) names.push_back(Name(KeyOf(row)));
  }
  return names;
}

}  // namespace

std::string Diff(const sdk::VariantsLock& before, const sdk::VariantsLock& after) {
  std::string out;
  const auto head = [](const sdk::VariantsLock& lock) {
    Fields fields;
    Add(fields, "lock_version", Number(lock.lock_version()));
    Add(fields, "artifact", lock.artifact());
    Add(fields, "version", lock.version());
    Add(fields, "url_template", lock.url_template());
    return fields;
  };
  DiffFields(head(before), head(after), "", out);

  const std::map<Key, const sdk::Variant*> old_rows = Rows(before);
  const std::map<Key, const sdk::Variant*> new_rows = Rows(after);
  for (const sdk::Variant& row : before.variants()) {
    if (!new_rows.contains(KeyOf(row))) absl::StrAppend(&out, "- ", Name(KeyOf(row)), "\n");
  }
  const Fields empty = FieldsOf(sdk::Variant());
  for (const sdk::Variant& row : after.variants()) {
    const auto old = old_rows.find(KeyOf(row));
    const bool fresh = old == old_rows.end();
    std::string fields;
    DiffFields(fresh ? empty : FieldsOf(*old->second), FieldsOf(row), "  ", fields);
    if (fresh || !fields.empty()) {
      absl::StrAppend(&out, fresh ? "+ " : "~ ", Name(KeyOf(row)), "\n", fields);
    }
  }
  // The order is a preference.
  const std::vector<std::string> old_order = Common(before, new_rows);
  const std::vector<std::string> new_order = Common(after, old_rows);
  if (old_order != new_order) {
    absl::StrAppend(&out, "~ order: ", absl::StrJoin(old_order, ", "), " -> ",
                    absl::StrJoin(new_order, ", "), "\n");
  }
  return out;
}

}  // namespace rules_inference::lock
