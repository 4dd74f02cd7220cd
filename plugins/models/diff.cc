#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "plugins/base/human_size.h"
#include "plugins/models/lock.h"
#include "plugins/sdk/model.pb.h"

namespace rules_inference::models {
namespace {

using Files = std::map<std::string, const sdk::ModelFile*>;

Files FilesOf(const sdk::Model& model) {
  Files files;
  for (const sdk::ModelFile& file : model.files()) files.insert({file.path(), &file});
  return files;
}

std::string Short(absl::string_view digest) { return std::string(digest.substr(0, 12)); }

std::string Describe(const sdk::ModelFile& file) {
  return absl::StrCat(file.path(), ": ", file.format(), ", ", base::HumanSize(file.size()),
                      ", sha256 ", Short(file.sha256()));
}

void DiffText(absl::string_view name, absl::string_view before, absl::string_view after,
              std::string& out) {
  if (before == after) return;
  const auto shown = [](absl::string_view text) { return text.empty() ? "nothing" : text; };
  absl::StrAppend(&out, "  ~ ", name, ": ", shown(before), " -> ", shown(after), "\n");
}

std::string DiffFile(const sdk::ModelFile& before, const sdk::ModelFile& after) {
  std::vector<std::string> changes;
  if (before.size() != after.size()) {
    changes.push_back(
        absl::StrCat(base::HumanSize(before.size()), " -> ", base::HumanSize(after.size())));
  }
  const auto add = [&](absl::string_view name, absl::string_view old_text,
                       absl::string_view new_text) {
    if (old_text != new_text) {
      changes.push_back(absl::StrCat(name, " ", old_text, " -> ", new_text));
    }
  };
  add("sha256", Short(before.sha256()), Short(after.sha256()));
  add("format", before.format(), after.format());
  add("urls", absl::StrJoin(before.urls(), " "), absl::StrJoin(after.urls(), " "));
  add("scan", before.scan(), after.scan());
  if (changes.empty()) return "";
  return absl::StrCat("  ~ ", after.path(), ": ", absl::StrJoin(changes, ", "), "\n");
}

std::string ShardsOf(const sdk::Model& model) {
  return absl::StrJoin(model.shard_sets(), " ", [](std::string* out, const sdk::ShardSet& set) {
    absl::StrAppend(out, set.index(), " (", set.files_size(), ")");
  });
}

std::string DiffModel(const sdk::Model& before, const sdk::Model& after) {
  std::string out;
  DiffText("source", before.source(), after.source(), out);
  DiffText("revision", before.revision(), after.revision(), out);
  DiffText("licence", before.licence(), after.licence(), out);
  DiffText("min_memory_bytes", absl::StrCat(before.min_memory_bytes()),
           absl::StrCat(after.min_memory_bytes()), out);
  DiffText("shard_sets", ShardsOf(before), ShardsOf(after), out);
  const Files old_files = FilesOf(before);
  const Files new_files = FilesOf(after);
  for (const auto& [path, file] : old_files) {
    if (!new_files.contains(path)) absl::StrAppend(&out, "  - ", path, "\n");
  }
  for (const auto& [path, file] : new_files) {
    const auto old = old_files.find(path);
    out += old == old_files.end() ? absl::StrCat("  + ", Describe(*file), "\n")
                                  : DiffFile(*old->second, *file);
  }
  return out;
}

std::string Summary(const sdk::Model& model) {
  return absl::StrCat(NameOf(model), ": ", model.files_size(),
                      model.files_size() == 1 ? " file, " : " files, ",
                      base::HumanSize(SizeOf(model)));
}

std::map<std::string, const sdk::Model*> ModelsOf(const sdk::ModelsLock& lock) {
  std::map<std::string, const sdk::Model*> models;
  for (const sdk::Model& model : lock.models()) models.insert({NameOf(model), &model});
  return models;
}

// Names of the rows that `other` has too.
std::vector<std::string> Common(const sdk::ModelsLock& lock,
                                const std::map<std::string, const sdk::Model*>& other) {
  std::vector<std::string> names;
  for (const sdk::Model& model : lock.models()) {
    if (other.contains(NameOf(model))) names.push_back(NameOf(model));
  }
  return names;
}

}  // namespace

std::string Diff(const sdk::ModelsLock& before, const sdk::ModelsLock& after) {
  std::string out;
  const auto old_models = ModelsOf(before);
  const auto new_models = ModelsOf(after);
  for (const sdk::Model& model : before.models()) {
    if (!new_models.contains(NameOf(model))) absl::StrAppend(&out, "- ", Summary(model), "\n");
  }
  for (const sdk::Model& model : after.models()) {
    const auto old = old_models.find(NameOf(model));
    if (old == old_models.end()) {
      absl::StrAppend(&out, "+ ", Summary(model), "\n");
      if (!model.revision().empty()) {
        absl::StrAppend(&out, "  + ", model.source(), " at ", model.revision(), "\n");
      }
      for (const sdk::ModelFile& file : model.files()) {
        absl::StrAppend(&out, "  + ", Describe(file), "\n");
      }
    } else if (const std::string changes = DiffModel(*old->second, model); !changes.empty()) {
      absl::StrAppend(&out, "~ ", NameOf(model), "\n", changes);
    }
  }
  // The order of variants is a preference.
  const std::vector<std::string> old_order = Common(before, new_models);
  const std::vector<std::string> new_order = Common(after, old_models);
  if (old_order != new_order) {
    absl::StrAppend(&out, "~ order: ", absl::StrJoin(old_order, ", "), " -> ",
                    absl::StrJoin(new_order, ", "), "\n");
  }
  return out;
}

}  // namespace rules_inference::models
