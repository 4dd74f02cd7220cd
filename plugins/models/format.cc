// Problem. A name says nothing: pickles, which run code when they are loaded, come as model.bin and
// as model.safetensors, web pages as either.
//
// Idea. A head of 4 KiB decides; each test asks for more than a magic number where the number is
// short. Of a zip the tail is read too, because its directory is there. A pickle of the first
// protocols has no magic number: its opcodes are followed instead.
//
// Invariant: whatever Python's unpickler would run is told to be "pickle", or nothing that is
// allowed without being asked for.
//
// Cost. 4 KiB of most files, 1 MiB more of a zip; headers of safetensors and GGUF have files of
// their own.

#include "plugins/models/format.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/base/utf8.h"
#include "plugins/models/json_reader.h"

namespace rules_inference::models {
namespace {

constexpr char kWhat[] = "model file";
constexpr size_t kHead = 4096;
constexpr uint64_t kTail = 1 << 20;

absl::StatusOr<std::string> Read(base::InputFile& file, uint64_t offset, uint64_t size) {
  std::string out(static_cast<size_t>(std::min(size, file.size() - std::min(offset, file.size()))),
                  '\0');
  RETURN_IF_ERROR(base::ReadExactly(file, offset, absl::MakeSpan(out)));
  return out;
}

uint64_t LittleEndian(absl::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

bool IsSafetensors(absl::string_view head, uint64_t size) {
  // An empty header is "{}".
  return head.size() >= 10 && head[8] == '{' && LittleEndian(head.substr(0, 8)) <= size - 8;
}

bool IsGgml(absl::string_view head) {
  // "ggml", "ggmf", "ggjt" and "ggla" as little-endian numbers.
  return absl::StartsWith(head, "lmgg") || absl::StartsWith(head, "fmgg") ||
         absl::StartsWith(head, "tjgg") || absl::StartsWith(head, "algg");
}

bool TakeVarint(absl::string_view& bytes, uint64_t* value) {
  *value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes[0]);
    bytes.remove_prefix(1);
    *value |= uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

// A ModelProto begins with its IR version, and has only fields that a model has.
bool IsOnnx(absl::string_view head, uint64_t size) {
  if (head.size() < 4 || head[0] != 0x08) return false;
  absl::string_view rest = head;
  bool model = false;
  while (!rest.empty()) {
    uint64_t tag = 0;
    uint64_t value = 0;
    if (!TakeVarint(rest, &tag) || !TakeVarint(rest, &value)) return model && size > head.size();
    const uint64_t field = tag >> 3;
    const bool number = field == 1 || field == 5;
    const bool known = number || field == 2 || field == 3 || field == 4 || field == 6 ||
                       field == 7 || field == 8 || field == 14 || field == 20 || field == 25;
    if (!known || (tag & 7) != (number ? 0 : 2)) return false;
    if (field == 1 && (value < 1 || value > 64)) return false;
    model = model || field == 7 || field == 8;
    if (number) continue;
    if (value > size) return false;
    if (value >= rest.size()) return model;
    rest.remove_prefix(static_cast<size_t>(value));
  }
  return model;
}

// Follows the opcodes of protocols 0 and 1. True when they name something to import, and lead to
// the end of the head, or to a STOP that is the end of the file.
bool IsOldPickle(absl::string_view head, bool whole) {
  bool imports = false;
  const auto lines = [&](int count) {
    for (; count > 0; --count) {
      const size_t end = head.find('\n');
      if (end == absl::string_view::npos) return false;
      head.remove_prefix(end + 1);
    }
    return true;
  };
  const auto skip = [&](uint64_t count) {
    if (count > head.size()) return false;
    head.remove_prefix(static_cast<size_t>(count));
    return true;
  };
  const auto counted = [&](size_t width) {
    if (head.size() < width) return false;
    return skip(width + LittleEndian(head.substr(0, width)));
  };
  while (!head.empty()) {
    const char op = head[0];
    head.remove_prefix(1);
    bool ok = true;
    if (op == '.') return imports && whole && head.empty();
    if (absl::StrContains("()012NQRabdelostu]}", op)) continue;
    if (absl::StrContains("FILSVgpP", op)) {
      ok = lines(1);
    } else if (op == 'c' || op == 'i') {
      imports = true;
      ok = lines(2);
    } else if (absl::StrContains("Khq", op)) {
      ok = skip(1);
    } else if (op == 'M') {
      ok = skip(2);
    } else if (absl::StrContains("Jjr", op)) {
      ok = skip(4);
    } else if (op == 'G') {
      ok = skip(8);
    } else if (op == 'U') {
      ok = counted(1);
    } else if (op == 'T' || op == 'X') {
      ok = counted(4);
    } else {
      return false;
    }
    // An argument that goes on behind the head.
    if (!ok) return imports && !whole;
  }
  return imports && !whole;
}

bool IsText(absl::string_view head, bool whole) {
  while (!head.empty()) {
    uint32_t c = 0;
    const size_t left = head.size();
    if (!base::ConsumeUtf8(head, c)) return !whole && left < 4;
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f') || c == 0x7F) return false;
  }
  return true;
}

bool IsWebPage(absl::string_view head) {
  const std::string start =
      absl::AsciiStrToLower(absl::StripLeadingAsciiWhitespace(head).substr(0, 14));
  return absl::StartsWith(start, "<!doctype html") || absl::StartsWith(start, "<html");
}

std::string Extension(absl::string_view path) {
  const absl::string_view name = path.substr(path.rfind('/') + 1);
  const size_t dot = name.rfind('.');
  return dot == absl::string_view::npos ? "" : absl::AsciiStrToLower(name.substr(dot));
}

}  // namespace

absl::StatusOr<std::string> DetectFormat(base::InputFile& file) {
  ASSIGN_OR_RETURN(const std::string head, Read(file, 0, kHead));
  const uint64_t size = file.size();
  const bool whole = size <= head.size();
  if (absl::StartsWith(head, "GGUF")) return "gguf";
  if (IsGgml(head)) return "ggml";
  if (head.size() >= 8 && head.substr(4, 4) == "TFL3") return "tflite";
  if (absl::StartsWith(head, absl::string_view("PK\3\4", 4)) ||
      absl::StartsWith(head, absl::string_view("PK\5\6", 4))) {
    ASSIGN_OR_RETURN(const std::string tail, Read(file, size - std::min(size, kTail), kTail));
    // In the directory of the zip; a larger one than the tail is that of no model that we know.
    const std::string both = absl::AsciiStrToLower(absl::StrCat(head, tail));
    return absl::StrContains(both, ".pkl") || absl::StrContains(both, ".pickle") ? "pickle"
                                                                                 : "other";
  }
  if (head.size() >= 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5) return "pickle";
  if (IsOldPickle(head, whole)) return "pickle";
  if (IsSafetensors(head, size)) return "safetensors";
  if (IsOnnx(head, size)) return "onnx";
  if (!IsText(head, whole)) return "other";
  const absl::string_view text = absl::StripLeadingAsciiWhitespace(head);
  return absl::StartsWith(text, "{") || absl::StartsWith(text, "[") ? "json" : "text";
}

absl::StatusOr<std::string> Inspect(base::InputFile& file, absl::string_view path) {
  const auto bad = [&](absl::string_view got, absl::string_view expected) {
    return base::Mismatch(kWhat, path, got, expected);
  };
  const std::string extension = Extension(path);
  ASSIGN_OR_RETURN(std::string format, DetectFormat(file));
  if (extension == ".safetensors" && format == "other" && file.size() >= 9) {
    // A header that does not fit has a message of its own.
    ASSIGN_OR_RETURN(const std::string head, Read(file, 8, 1));
    if (head == "{") format = "safetensors";
  }
  if (format == "text") {
    ASSIGN_OR_RETURN(const std::string head, Read(file, 0, kHead));
    if (IsWebPage(head) && extension != ".html" && extension != ".htm") {
      return bad("a web page", "the file");
    }
    if (absl::StartsWith(head, "version https://git-lfs.github.com/")) {
      return bad("a pointer of Git LFS", "the file that it stands for");
    }
  }
  const bool claims = extension == ".safetensors" || extension == ".gguf" || extension == ".tflite";
  if ((claims && extension.substr(1) != format) ||
      (format == "pickle" && (extension == ".onnx" || extension == ".json"))) {
    return bad(format == "other" ? "bytes of no known format" : format,
               absl::StrCat(extension.substr(1), ", as its name says"));
  }
  if (format == "safetensors") RETURN_IF_ERROR(CheckSafetensors(file, path));
  if (format == "gguf") RETURN_IF_ERROR(CheckGguf(file, path));
  return format;
}

absl::StatusOr<std::vector<std::string>> ShardsOfIndex(absl::string_view path,
                                                       absl::string_view text) {
  if (!absl::EndsWith(path, ".index.json")) return std::vector<std::string>();
  const absl::string_view directory = path.substr(0, path.rfind('/') + 1);
  std::set<std::string> files;
  JsonReader json(absl::StrCat(kWhat, ": ", path), text);
  RETURN_IF_ERROR(json.Object([&](const std::string& name) -> absl::Status {
    if (name != "weight_map") return json.Skip();
    return json.Object([&](const std::string&) -> absl::Status {
      ASSIGN_OR_RETURN(const std::string shard, json.String());
      files.insert(absl::StrCat(directory, shard));
      return absl::OkStatus();
    });
  }));
  RETURN_IF_ERROR(json.End());
  return std::vector<std::string>(files.begin(), files.end());
}

absl::Status CheckPolicy(absl::string_view format, absl::string_view path,
                         const std::vector<std::string>& allowed) {
  if ((format != "pickle" && format != "other") || absl::c_linear_search(allowed, format)) {
    return absl::OkStatus();
  }
  return base::WithHint(
      base::Mismatch(kWhat, path,
                     format == "pickle" ? "a pickle, which runs code when it is loaded"
                                        : "bytes of no known format",
                     "safetensors, gguf, ggml, onnx, tflite, json or text"),
      absl::StrCat("--exclude leaves it out, --allow ", format, " takes it"));
}

}  // namespace rules_inference::models
