#include "plugins/models/format.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/memory_file.h"

namespace rules_inference::models {
namespace {

std::string Little(uint64_t value, size_t size) {
  std::string out;
  for (size_t i = 0; i < size; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

std::string Format(absl::string_view path, const std::string& data) {
  base::MemoryFile file("memory", data);
  const absl::StatusOr<std::string> format = Inspect(file, path);
  return format.ok() ? *format : std::string(format.status().message());
}

std::string Safetensors(const std::string& header, size_t data) {
  return absl::StrCat(Little(header.size(), 8), header, std::string(data, 'x'));
}

std::string Tensor(absl::string_view name, absl::string_view dtype, absl::string_view shape,
                   uint64_t begin, uint64_t end) {
  return absl::StrCat("\"", name, "\":{\"dtype\":\"", dtype, "\",\"shape\":", shape,
                      ",\"data_offsets\":[", begin, ",", end, "]}");
}

constexpr char kTwo[] = "{\"__metadata__\":{\"format\":\"pt\"},%a,%b} ";
std::string TwoTensors(absl::string_view a, absl::string_view b) {
  return absl::StrReplaceAll(kTwo, {{"%a", a}, {"%b", b}});
}

std::string GgufText(absl::string_view text) { return absl::StrCat(Little(text.size(), 8), text); }

// One string, an array of two strings, the alignment, and two tensors.
std::string Gguf() {
  std::string out = absl::StrCat("GGUF", Little(3, 4), Little(2, 8), Little(3, 8));
  absl::StrAppend(&out, GgufText("general.name"), Little(8, 4), GgufText("tiny"));
  absl::StrAppend(&out, GgufText("tokens"), Little(9, 4), Little(8, 4), Little(2, 8), GgufText("a"),
                  GgufText("b"));
  absl::StrAppend(&out, GgufText("general.alignment"), Little(4, 4), Little(16, 4));
  // 32 values of Q8_0 are 34 bytes; 4 of F32 are 16.
  absl::StrAppend(&out, GgufText("t"), Little(1, 4), Little(32, 8), Little(8, 4), Little(0, 8));
  absl::StrAppend(&out, GgufText("u"), Little(2, 4), Little(2, 8), Little(2, 8), Little(0, 4),
                  Little(48, 8));
  out.resize((out.size() + 15) / 16 * 16);
  return absl::StrCat(out, std::string(64, 'x'));
}

TEST(FormatTest, ByMagicBytes) {
  EXPECT_EQ(Format("x.bin", Gguf()), "gguf");
  EXPECT_EQ(Format("x.bin", absl::StrCat("lmgg", Little(51864, 4))), "ggml");
  EXPECT_EQ(Format("x", absl::StrCat(Little(28, 4), "TFL3", Little(0, 8))), "tflite");
  EXPECT_EQ(Format("x", Safetensors("{}", 0)), "safetensors");
  EXPECT_EQ(Format("x", absl::StrCat("\x08\x07\x12\x07pytorch:\x02", "ab")), "onnx");
  EXPECT_EQ(Format("x", " {\"a\": 1}"), "json");
  EXPECT_EQ(Format("x", "hello, wörld\n"), "text");
  EXPECT_EQ(Format("x", ""), "text");
  EXPECT_EQ(Format("x", "\x89PNG\r\n\x1a\n"), "other");
}

TEST(FormatTest, TextThatIsCutInACharacterIsText) {
  EXPECT_EQ(Format("x", absl::StrCat(std::string(4095, 'a'), "ö")), "text");
  EXPECT_EQ(Format("x", "a\xc3"), "other");
}

TEST(FormatTest, PicklesOfAllKinds) {
  EXPECT_EQ(Format("x.pt", std::string("\x80\x02}q\0.", 6)), "pickle");
  EXPECT_EQ(Format("x.bin", "\x80\x04\x95\x0b."), "pickle");
  EXPECT_EQ(Format("x.bin", "cposix\nsystem\n(S'ls'\ntR."), "pickle");
  EXPECT_EQ(Format("x.txt", absl::StrCat("(S'", std::string(5000, 'a'), "'\ncposix\nsystem\nR.")),
            "text");
  EXPECT_EQ(Format("x.txt", absl::StrCat("cposix\nsystem\n(S'", std::string(5000, 'a'), "'\ntR.")),
            "pickle");
  EXPECT_EQ(Format("x.bin", "PK\3\4....archive/data.pkl"), "pickle");
  EXPECT_EQ(Format("x.bin", absl::StrCat("PK\3\4", std::string(9000, 'a'), "b/data.pkl")),
            "pickle");
  EXPECT_EQ(Format("x.npz", "PK\3\4....a.npy"), "other");
}

// B6, row 12.
TEST(FormatTest, ANameThatSaysSomethingElse) {
  EXPECT_EQ(Format("w/m.safetensors", std::string("\x80\x02}q\0.", 6)),
            "model file: w/m.safetensors: got pickle, expected safetensors, as its name says");
  EXPECT_EQ(Format("m.safetensors", "PK\3\4....archive/data.pkl"),
            "model file: m.safetensors: got pickle, expected safetensors, as its name says");
  EXPECT_EQ(Format("m.gguf", "lmgg...."),
            "model file: m.gguf: got ggml, expected gguf, as its name says");
  EXPECT_EQ(Format("m.SAFETENSORS", "\x89PNG\r\n\x1a\n"),
            "model file: m.SAFETENSORS: got bytes of no known format, expected safetensors, as its "
            "name says");
  EXPECT_EQ(Format("config.json", "cposix\nsystem\n(S'ls'\ntR."),
            "model file: config.json: got pickle, expected json, as its name says");
}

TEST(FormatTest, WhatServersGiveInThePlaceOfAFile) {
  EXPECT_EQ(Format("m.bin", "\n<!DOCTYPE HTML><html>log in"),
            "model file: m.bin: got a web page, expected the file");
  EXPECT_EQ(Format("m.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"),
            "model file: m.bin: got a pointer of Git LFS, expected the file that it stands for");
}

TEST(FormatTest, Policy) {
  EXPECT_TRUE(CheckPolicy("gguf", "x", {}).ok());
  EXPECT_TRUE(CheckPolicy("pickle", "x", {"pickle"}).ok());
  EXPECT_EQ(CheckPolicy("pickle", "x.pt", {"other"}).message(),
            "model file: x.pt: got a pickle, which runs code when it is loaded, expected "
            "safetensors, gguf, ggml, onnx, tflite, json or text\n"
            "hint: --exclude leaves it out, --allow pickle takes it");
  EXPECT_EQ(CheckPolicy("other", "x.png", {}).message(),
            "model file: x.png: got bytes of no known format, expected safetensors, gguf, ggml, "
            "onnx, tflite, json or text\n"
            "hint: --exclude leaves it out, --allow other takes it");
}

TEST(FormatTest, ShardsOfAnIndex) {
  const auto shards = ShardsOfIndex("a/model.safetensors.index.json",
                                    R"({"metadata": {"total_size": 1.5e3, "n": [null, -1]},
                                        "weight_map": {"x": "b.st", "y": "a.st", "z": "b.st"}})");
  ASSERT_TRUE(shards.ok()) << shards.status();
  EXPECT_EQ(*shards, (std::vector<std::string>{"a/a.st", "a/b.st"}));
  EXPECT_EQ(ShardsOfIndex("a/model.safetensors.index.json", "{\"weight_map\": {\"x\": 1}}")
                .status()
                .message(),
            "model file: a/model.safetensors.index.json: byte 21: got '1', expected text in double "
            "quotes");
  EXPECT_TRUE(ShardsOfIndex("config.json", "nothing that is read")->empty());
}

TEST(SafetensorsTest, Right) {
  EXPECT_EQ(Format("m.safetensors", Safetensors(TwoTensors(Tensor("a", "F32", "[2,2]", 0, 16),
                                                           Tensor("b", "F16", "[]", 16, 18)),
                                                18)),
            "safetensors");
  // In another order than that of the names, and with empty ones.
  EXPECT_EQ(Format("m.safetensors", Safetensors(TwoTensors(Tensor("b", "U8", "[3]", 0, 3),
                                                           Tensor("a", "I64", "[0,9]", 3, 3)),
                                                3)),
            "safetensors");
}

// B6, row 12.
TEST(SafetensorsTest, HeadersThatCannotBe) {
  EXPECT_EQ(Format("m.safetensors", absl::StrCat(Little(uint64_t{1} << 63, 8), "{}")),
            "safetensors: m.safetensors: got a header of 9223372036854775808 bytes, expected at "
            "most 100000000");
  EXPECT_EQ(Format("m.safetensors", absl::StrCat(Little(99, 8), "{}")),
            "safetensors: m.safetensors: got a header of 99 bytes, expected at most 2, which the "
            "file has");
  EXPECT_EQ(Format("m.safetensors", Safetensors("{\"a\":}", 0)),
            "safetensors: m.safetensors: byte 5: got '}', expected an object");
  EXPECT_EQ(Format("m.safetensors", Safetensors("{} {}", 0)),
            "safetensors: m.safetensors: byte 3: got '{', expected the end");
}

TEST(SafetensorsTest, TensorsThatCannotBe) {
  const auto check = [](const std::string& a, const std::string& b, size_t data) {
    return absl::StrReplaceAll(Format("m.safetensors", Safetensors(TwoTensors(a, b), data)),
                               {{"safetensors: m.safetensors: ", ""}});
  };
  const std::string b = Tensor("b", "U8", "[4]", 4, 8);
  EXPECT_EQ(check(Tensor("a", "U8", "[4]", 0, 4), Tensor("b", "U8", "[4]", 2, 6), 6),
            "tensor 'b': got an overlap before byte 4, expected to begin at 4");
  EXPECT_EQ(check(Tensor("a", "U8", "[4]", 0, 4), Tensor("b", "U8", "[4]", 6, 10), 10),
            "tensor 'b': got a hole before byte 6, expected to begin at 4");
  EXPECT_EQ(check(Tensor("a", "U8", "[4]", 0, 4), b, 9),
            "data: got a hole from byte 8, expected tensors up to the end at 9");
  EXPECT_EQ(check(Tensor("a", "U8", "[4]", 0, 4), b, 7),
            "tensor 'b': got bytes 4 to 8, expected a range of the 7 bytes of data");
  EXPECT_EQ(check(Tensor("a", "F32", "[4]", 0, 4), b, 8),
            "tensor 'a': got 4 bytes, expected 16, as dtype and shape say");
  EXPECT_EQ(check(Tensor("a", "F99", "[4]", 0, 4), b, 8),
            "tensor 'a': got dtype 'F99', expected one of safetensors");
  EXPECT_EQ(check(Tensor("a", "F32", "[4294967296,4294967296]", 0, 4), b, 8),
            "tensor 'a': got a shape of 2^64 bits and more, expected one that fits into the file");
  EXPECT_EQ(check(Tensor("b", "U8", "[4]", 0, 4), b, 8),
            "tensor 'b': got it a second time, expected each tensor once");
  EXPECT_EQ(check("\"a\":{\"dtype\":\"U8\",\"dtype\":\"I8\"}", b, 8),
            "tensor 'a': got dtype a second time, expected each field once");
  EXPECT_EQ(check("\"a\":{\"dtype\":\"U8\"}", b, 8),
            "tensor 'a': got not all of them, expected dtype, shape and data_offsets");
  EXPECT_EQ(check("\"a\":{\"shape\":[-1]}", b, 8), "byte 46: got '-', expected a whole number");
}

TEST(GgufTest, Right) { EXPECT_EQ(Format("m.gguf", Gguf()), "gguf"); }

// B6, row 12.
TEST(GgufTest, CountsAndLengthsThatCannotBe) {
  const auto check = [](size_t at, const std::string& bytes) {
    std::string data = Gguf();
    data.replace(at, bytes.size(), bytes);
    return absl::StrReplaceAll(Format("m.gguf", data), {{"gguf: m.gguf: ", ""}});
  };
  EXPECT_EQ(check(4, Little(1, 4)), "byte 8: got version 1, expected 2 or 3");
  EXPECT_EQ(
      check(8, Little(~uint64_t{0}, 8)),
      "byte 24: got 18446744073709551615 tensors, expected at most 11 in a file of 288 bytes");
  EXPECT_EQ(
      check(16, Little(uint64_t{1} << 60, 8)),
      "byte 24: got 1152921504606846976 key-value pairs, expected at most 20 in a file of 288 "
      "bytes");
  EXPECT_EQ(check(24, Little(uint64_t{1} << 40, 8)),
            "byte 32: got a key of 1099511627776 bytes, expected at most 65535");
  EXPECT_EQ(check(44, Little(13, 4)), "byte 48: got value type 13, expected 0 to 12");
  EXPECT_EQ(
      check(48, Little(uint64_t{1} << 40, 8)),
      "byte 56: got a string of 1099511627776 bytes, expected at most 232, which the file has");
  // The array begins at 60: a key of 6, then type, type of the items, count.
  EXPECT_EQ(check(82, Little(~uint64_t{0}, 8)),
            "byte 90: got an array of 18446744073709551615 items, expected at most 24, for which "
            "the file has the bytes");
  EXPECT_EQ(check(137, Little(24, 4)),
            "byte 141: got general.alignment 24, expected a power of 2 from 8 to 1048576");
  EXPECT_EQ(check(137, Little(0, 4)),
            "byte 141: got general.alignment 0, expected a power of 2 from 8 to 1048576");
  EXPECT_EQ(check(150, Little(9, 4)),
            "byte 154: got 9 dimensions of tensor 't', expected at most 4");
  EXPECT_EQ(check(154, Little(33, 8)),
            "byte 174: got rows of 33 values in tensor 't', expected whole blocks of 32");
  EXPECT_EQ(check(154, Little(~uint64_t{31}, 8)),
            "byte 174: got 2^64 bytes and more in tensor 't', expected what fits into the file");
  EXPECT_EQ(check(166, Little(8, 8)),
            "byte 174: got offset 8 of tensor 't', expected a multiple of 16");
  EXPECT_EQ(check(154, Little(96, 8)),
            "tensor 0: got bytes 0 to 102, expected a range of the 64 bytes of data");
  EXPECT_EQ(check(207, Little(32, 8)),
            "tensor 1: got bytes 32 to 48, an overlap, expected to begin at 34 or later");
}

TEST(GgufTest, Truncated) {
  const std::string data = Gguf();
  for (size_t size = 4; size < data.size(); ++size) {
    base::MemoryFile file("memory", data.substr(0, size));
    EXPECT_FALSE(CheckGguf(file, "m").ok()) << size;
  }
}

// Whatever the bytes are: an answer, and no memory for what they claim.
TEST(MutationTest, ChangedBytesNeverCrash) {
  const std::vector<std::string> seeds = {
      Gguf(),
      Safetensors(TwoTensors(Tensor("a", "F32", "[2,2]", 0, 16), Tensor("b", "F16", "[]", 16, 18)),
                  18),
      absl::StrCat("\x08\x07\x12\x07pytorch:\x02", "ab"), "cposix\nsystem\n(S'ls'\ntR.",
      "PK\3\4....archive/data.pkl"};
  std::mt19937 random(1);
  int wrong = 0;
  for (int i = 0; i < 40000; ++i) {
    std::string data = seeds[static_cast<size_t>(i) % seeds.size()];
    for (int change = 0; change < 1 + i % 3; ++change) {
      const size_t at = random() % data.size();
      switch (random() % 4) {
        case 0:
          data[at] = static_cast<char>(random());
          break;
        case 1:
          data[at] = static_cast<char>(data[at] ^ (1 << random() % 8));
          break;
        case 2:
          data[at] = '\xff';
          break;
        default:
          data.erase(at, 1 + random() % 9);
      }
      if (data.empty()) data = "x";
    }
    base::MemoryFile file("memory", data);
    wrong += !Inspect(file, i % 2 == 0 ? "m.safetensors" : "m.bin").ok();
    base::MemoryFile again("memory", data);
    CheckGguf(again, "m").IgnoreError();
    CheckSafetensors(again, "m").IgnoreError();
  }
  EXPECT_GT(wrong, 10000);
}

// A change of the header of a right file is never taken for right when it changes what is where.
TEST(MutationTest, EveryBitOfTheOffsetsMatters) {
  const std::string right = Safetensors(Tensor("a", "U8", "[16]", 0, 16).insert(0, "{") + "}", 16);
  const size_t offsets = right.find("data_offsets");
  for (size_t at = offsets + 14; right[at] != '}'; ++at) {
    for (int bit = 0; bit < 7; ++bit) {
      std::string data = right;
      data[at] = static_cast<char>(data[at] ^ (1 << bit));
      if (data[at] == ' ' || (data[at] == '0' && right[at] == '0')) continue;
      base::MemoryFile file("memory", data);
      EXPECT_FALSE(CheckSafetensors(file, "m").ok()) << data.substr(offsets);
    }
  }
}

}  // namespace
}  // namespace rules_inference::models
