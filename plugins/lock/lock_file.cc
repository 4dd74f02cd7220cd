#include "plugins/lock/lock_file.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::lock {
namespace {

constexpr uint64_t kMaxLock = uint64_t{64} << 20;
constexpr size_t kColumns = 100;

// Puts white space into canonical JSON. Strings are copied as they are.
class Formatter {
 public:
  explicit Formatter(absl::string_view json) : json_(json) {}

  std::string Run() {
    Value("");
    out_ += '\n';
    return std::move(out_);
  }

 private:
  // Where the value at `at_` ends.
  size_t End() const {
    size_t at = at_;
    int depth = 0;
    do {
      const char c = json_[at++];
      if (c == '"') {
        while (json_[at] != '"') at += json_[at] == '\\' ? 2U : 1U;
        ++at;
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if (c == '}' || c == ']') {
        --depth;
      } else {
        // A number or a word.
        while (at < json_.size() && json_[at] != ',' && json_[at] != '}' && json_[at] != ']' &&
               json_[at] != ':') {
          ++at;
        }
      }
      if (depth == 0) return at;
      while (at < json_.size() && (json_[at] == ',' || json_[at] == ':')) ++at;
    } while (at < json_.size());
    return at;
  }

  // `text` on one line, with a space after each comma and colon outside of strings.
  static std::string OneLine(absl::string_view text) {
    std::string out;
    bool in_string = false;
    for (size_t i = 0; i < text.size(); ++i) {
      out += text[i];
      if (in_string && text[i] == '\\') {
        out += text[++i];
      } else if (text[i] == '"') {
        in_string = !in_string;
      } else if (!in_string && (text[i] == ',' || text[i] == ':')) {
        out += ' ';
      }
    }
    return out;
  }

  void NewLine() {
    out_ += '\n';
    out_.append(2 * level_, ' ');
    line_ = out_.size() - 2 * level_;
  }

  void Value(absl::string_view key) {
    const char open = json_[at_];
    const absl::string_view whole = json_.substr(at_, End() - at_);
    if (open != '{' && open != '[') {
      out_.append(whole.data(), whole.size());
      at_ += whole.size();
      return;
    }
    if (open == '[' && key != "\"variants\"" && key != "\"parts\"") {
      const std::string line = OneLine(whole);
      // One column for a comma.
      if (out_.size() - line_ + line.size() + 1 <= kColumns) {
        out_ += line;
        at_ += whole.size();
        return;
      }
    }
    out_ += open;
    ++at_;
    ++level_;
    bool first = true;
    while (json_[at_] != '}' && json_[at_] != ']') {
      if (!first) {
        out_ += ',';
        ++at_;
      }
      first = false;
      NewLine();
      absl::string_view name;
      if (open == '{') {
        name = json_.substr(at_, End() - at_);
        out_.append(name.data(), name.size());
        out_ += ": ";
        at_ += name.size() + 1;
      }
      Value(name);
    }
    --level_;
    if (!first) NewLine();
    out_ += json_[at_++];
  }

  const absl::string_view json_;
  size_t at_ = 0;
  size_t level_ = 0;
  size_t line_ = 0;  // Where the last line begins in out_.
  std::string out_;
};

}  // namespace

std::string FormatLock(const sdk::VariantsLock& lock) {
  const std::string json = sdk::ToCanonicalJson(lock);
  return Formatter(json).Run();
}

absl::StatusOr<sdk::VariantsLock> ParseLock(absl::string_view where, absl::string_view text) {
  return sdk::ParseJson<sdk::VariantsLock>(where, text);
}

absl::StatusOr<sdk::VariantsLock> ReadLock(base::FileSystem& fs, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, base::ReadFile(fs, path, kMaxLock));
  return ParseLock(path, text);
}

absl::Status WriteLock(base::FileSystem& fs, const std::string& path,
                       const sdk::VariantsLock& lock) {
  const std::string text = FormatLock(lock);
  if (const auto old = base::ReadFile(fs, path, kMaxLock); old.ok() && *old == text) {
    return absl::OkStatus();
  }
  return base::WriteFile(fs, path, text);
}

}  // namespace rules_inference::lock
