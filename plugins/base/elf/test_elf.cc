#include "plugins/base/elf/test_elf.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rules_inference::base {
namespace {

constexpr uint64_t kBase = 0x400000;

std::string Le(uint64_t value, size_t size) {
  std::string out;
  for (size_t i = 0; i < size; ++i) {
    out += i < 8 ? static_cast<char>(value >> (8 * i) & 0xff) : '\0';
  }
  return out;
}

void Align(std::string& out) { out.resize((out.size() + 7) / 8 * 8); }

uint64_t AddName(std::string& names, const std::string& name) {
  const uint64_t at = names.size();
  names += name + '\0';
  return at;
}

}  // namespace

std::string BuildElf(const TestElf& elf) {
  std::string names(1, '\0');
  std::vector<std::pair<uint64_t, uint64_t>> dynamic;
  for (const std::string& name : elf.needed) dynamic.emplace_back(1, AddName(names, name));
  if (!elf.soname.empty()) dynamic.emplace_back(14, AddName(names, elf.soname));
  if (!elf.rpath.empty()) dynamic.emplace_back(15, AddName(names, elf.rpath));
  if (!elf.runpath.empty()) dynamic.emplace_back(29, AddName(names, elf.runpath));

  std::string needs;
  size_t libraries = 0;
  for (size_t i = 0; i < elf.version_needs.size();) {
    size_t end = i;
    while (end < elf.version_needs.size() &&
           elf.version_needs[end].first == elf.version_needs[i].first) {
      ++end;
    }
    const size_t count = end - i;
    const size_t next = end == elf.version_needs.size() ? 0 : 16 + 16 * count;
    needs += Le(1, 2) + Le(count, 2) + Le(AddName(names, elf.version_needs[i].first), 4) +
             Le(16, 4) + Le(next, 4);
    for (; i < end; ++i) {
      needs += Le(0, 8) + Le(AddName(names, elf.version_needs[i].second), 4) +
               Le(i + 1 == end ? 0 : 16, 4);
    }
    ++libraries;
  }

  // Header and program headers first; their numbers are known at the end.
  const size_t segments = 2 + (elf.interpreter.empty() ? 0 : 1);
  std::string out(64 + 56 * segments, '\0');
  const uint64_t names_at = out.size();
  out += names;
  Align(out);
  const uint64_t needs_at = out.size();
  out += needs;
  const uint64_t interpreter_at = out.size();
  out += elf.interpreter + '\0';
  Align(out);
  if (!needs.empty()) {
    dynamic.emplace_back(0x6ffffffe, kBase + needs_at);
    dynamic.emplace_back(0x6fffffff, libraries);
  }
  dynamic.emplace_back(5, kBase + names_at);
  dynamic.emplace_back(10, names.size());
  dynamic.emplace_back(0, 0);
  const uint64_t dynamic_at = out.size();
  for (const auto& [tag, value] : dynamic) out += Le(tag, 8) + Le(value, 8);

  const auto section = [](uint64_t name, uint64_t type, uint64_t at, uint64_t size) {
    return Le(name, 4) + Le(type, 4) + Le(0, 16) + Le(at, 8) + Le(size, 8) + Le(0, 24);
  };
  std::string section_names(1, '\0');
  std::string headers(64, '\0');
  for (const auto& [name, bytes] : elf.sections) {
    headers += section(AddName(section_names, name), 1, out.size(), bytes.size());
    out += bytes;
    Align(out);
  }
  const uint64_t name = AddName(section_names, ".shstrtab");
  headers += section(name, 3, out.size(), section_names.size());
  out += section_names;
  Align(out);
  const uint64_t headers_at = out.size();
  out += headers;

  const auto segment = [](uint64_t type, uint64_t at, uint64_t size) {
    return Le(type, 4) + Le(4, 4) + Le(at, 8) + Le(kBase + at, 8) + Le(kBase + at, 8) +
           Le(size, 8) + Le(size, 8) + Le(8, 8);
  };
  std::string head =
      "\x7f"
      "ELF" +
      Le(2, 1) + Le(1, 1) + Le(1, 1) + std::string(9, '\0');
  head += Le(elf.type, 2) + Le(elf.machine, 2) + Le(1, 4) + Le(kBase, 8) + Le(64, 8) +
          Le(headers_at, 8) + Le(0, 4) + Le(64, 2) + Le(56, 2) + Le(segments, 2) + Le(64, 2) +
          Le(headers.size() / 64, 2) + Le(headers.size() / 64 - 1, 2);
  head += segment(1, 0, out.size()) + segment(2, dynamic_at, 16 * dynamic.size());
  if (!elf.interpreter.empty()) head += segment(3, interpreter_at, elf.interpreter.size() + 1);
  out.replace(0, head.size(), head);
  return out;
}

}  // namespace rules_inference::base
