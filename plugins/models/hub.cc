#include "plugins/models/hub.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/models/json_reader.h"

namespace rules_inference::models {
namespace {

constexpr int kMaxPages = 1000;

bool IsCommit(absl::string_view text) {
  return (text.size() == 40 || text.size() == 64) && absl::c_all_of(text, [](char c) {
           return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
         });
}

// The scheme and host of "https://HOST/owner/name", and "owner/name".
std::pair<absl::string_view, absl::string_view> Split(absl::string_view place) {
  const size_t slash = place.find('/', place.find("://") + 3);
  return {place.substr(0, slash), place.substr(slash + 1)};
}

// Takes the value when it is text, and skips it when it is something else.
absl::Status TextOrSkip(JsonReader& json, std::string* text) {
  if (json.Peek() != '"') return json.Skip();
  ASSIGN_OR_RETURN(*text, json.String());
  return absl::OkStatus();
}

absl::Status ReadRevision(const std::string& url, absl::string_view body, HubRevision* revision) {
  std::string other;
  JsonReader json(absl::StrCat("hub: ", url), body);
  RETURN_IF_ERROR(json.Object([&](const std::string& name) -> absl::Status {
    if (name == "sha") return TextOrSkip(json, &revision->commit);
    if (name == "cardData" && json.Peek() == '{') {
      return json.Object([&](const std::string& key) -> absl::Status {
        return key == "license" ? TextOrSkip(json, &revision->licence) : json.Skip();
      });
    }
    if (name == "tags" && json.Peek() == '[') {
      return json.Array([&]() -> absl::Status {
        std::string tag;
        RETURN_IF_ERROR(TextOrSkip(json, &tag));
        if (absl::StartsWith(tag, "license:")) other = tag.substr(8);
        return absl::OkStatus();
      });
    }
    return json.Skip();
  }));
  RETURN_IF_ERROR(json.End());
  if (revision->licence.empty()) revision->licence = other;
  if (IsCommit(revision->commit)) return absl::OkStatus();
  return base::Mismatch("hub", url, absl::StrCat("sha ", base::Quoted(revision->commit)),
                        "a commit, 40 or 64 lower-case hex digits");
}

// One entry of a tree: a file, or something that is none.
absl::Status ReadEntry(JsonReader& json, std::vector<HubFile>* files) {
  HubFile file;
  std::string type;
  RETURN_IF_ERROR(json.Object([&](const std::string& name) -> absl::Status {
    if (name == "type") return TextOrSkip(json, &type);
    if (name == "path") return TextOrSkip(json, &file.path);
    if (name == "size") {
      ASSIGN_OR_RETURN(file.size, json.Number());
      return absl::OkStatus();
    }
    if (name == "lfs" && json.Peek() == '{') {
      return json.Object([&](const std::string& key) -> absl::Status {
        if (key == "oid" || key == "sha256") return TextOrSkip(json, &file.sha256);
        if (key == "size") {
          ASSIGN_OR_RETURN(file.size, json.Number());
          return absl::OkStatus();
        }
        return json.Skip();
      });
    }
    if (name == "securityFileStatus" && json.Peek() == '{') {
      return json.Object([&](const std::string& key) -> absl::Status {
        return key == "status" ? TextOrSkip(json, &file.scan) : json.Skip();
      });
    }
    return json.Skip();
  }));
  if (type == "file") files->push_back(std::move(file));
  return absl::OkStatus();
}

// The url of the next page in `<url>; rel="next", <url>; rel="last"`; empty on the last one.
std::string NextPage(absl::string_view link) {
  for (const absl::string_view item : absl::StrSplit(link, ',')) {
    const size_t open = item.find('<');
    const size_t close = item.find('>');
    if (open == absl::string_view::npos || close == absl::string_view::npos || close < open) {
      continue;
    }
    if (absl::StrContains(item.substr(close), "rel=\"next\"")) {
      return std::string(item.substr(open + 1, close - open - 1));
    }
  }
  return "";
}

}  // namespace

std::string EncodePath(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || absl::StrContains("-._~/", c)) {
      out += c;
    } else {
      absl::StrAppendFormat(&out, "%%%02X", byte);
    }
  }
  return out;
}

std::string ResolveUrl(absl::string_view place, absl::string_view commit, absl::string_view path) {
  return absl::StrCat(place, "/resolve/", commit, "/", EncodePath(path));
}

absl::StatusOr<HubRevision> AskHub(absl::string_view place, absl::string_view revision,
                                   const HubGet& get) {
  const auto [host, repository] = Split(place);
  const std::string api = absl::StrCat(host, "/api/models/", repository);
  // A branch may have slashes in its name.
  std::string name = EncodePath(revision);
  for (size_t slash = 0; (slash = name.find('/', slash)) != std::string::npos;) {
    name.replace(slash, 1, "%2F");
  }
  const std::string url = absl::StrCat(api, "/revision/", name);
  ASSIGN_OR_RETURN(const HubAnswer answer, get(url));
  HubRevision found;
  RETURN_IF_ERROR(ReadRevision(url, answer.body, &found));
  if (IsCommit(revision) && found.commit != revision) {
    return base::Mismatch("hub", url, absl::StrCat("commit ", found.commit), revision);
  }
  std::string page = absl::StrCat(api, "/tree/", found.commit, "?recursive=true&expand=true");
  for (int pages = 0; !page.empty(); ++pages) {
    if (pages == kMaxPages) {
      return base::Mismatch("hub", url, absl::StrCat("more than ", pages, " pages"), "fewer");
    }
    // A list that goes on at another host would be asked with the credentials of this one.
    if (!absl::StartsWith(page, absl::StrCat(host, "/"))) {
      return base::Mismatch("hub", url, absl::StrCat("a next page at ", base::Quoted(page)),
                            absl::StrCat("one at ", host));
    }
    ASSIGN_OR_RETURN(const HubAnswer tree, get(page));
    JsonReader json(absl::StrCat("hub: ", api, "/tree/", found.commit), tree.body);
    RETURN_IF_ERROR(json.Array([&] { return ReadEntry(json, &found.files); }));
    RETURN_IF_ERROR(json.End());
    page = NextPage(tree.link);
  }
  return found;
}

}  // namespace rules_inference::models
