// Tests checkpoints: exact round trips, the specified layout, the exact errors for malicious and
// damaged files, and that a failed save keeps the old checkpoint.
#include "nn/state.h"

#include <doctest/doctest.h>

#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "failing_calls.h"
#include "message.h"
#include "nn/file.h"
#include "nn/layers.h"
#include "nn/optim.h"
#include "temp_folder.h"

namespace forger::nn {
namespace {

namespace fs = std::filesystem;

using Values = std::vector<Scalar>;

std::string little_endian(uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

/// A file with this header, valid or not, and these numbers.
std::string file_of(const std::string& header, const std::string& numbers = "") {
  return little_endian(header.size()) + header + numbers;
}

/// Unlike write_file() this does not wait for the disk, so thousands of files take no time. (Some
/// file systems do wait when a file is overwritten.)
void write_quickly(const fs::path& path, const std::string& bytes) {
  fs::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string contents(const fs::path& path) { return read_file(path, 1 << 24); }

std::vector<uint32_t> bits_of(const Tensor& x) {
  std::vector<uint32_t> bits;
  for (int64_t i = 0; i < x.numel(); ++i) bits.push_back(std::bit_cast<uint32_t>(x.data()[i]));
  return bits;
}

Tensor from_bits(const std::vector<uint32_t>& bits) {
  const Tensor x = Tensor::empty({static_cast<int64_t>(bits.size())});
  std::memcpy(x.mutable_data(), bits.data(), bits.size() * sizeof(uint32_t));
  return x;
}

/// The message of loading a file of these bytes, the folder written as DIR.
std::string refusal(const std::string& bytes) {
  const TempFolder folder;
  write_quickly(folder / "a", bytes);
  return without_folder(message_of([&] { load_checkpoint(folder / "a"); }), folder);
}

/// A file with one tensor "w" whose description is `json`, and 24 bytes of numbers.
std::string with_tensor(const std::string& json) {
  return file_of("{\"w\":" + json + "}", std::string(24, '\0'));
}

constexpr const char* kNoTensor =
    "DIR/a: tensor \"w\": dtype, shape and two data_offsets expected\n  ";

}  // namespace

TEST_CASE("tensors are saved and loaded bit for bit") {
  const TempFolder folder;
  const std::vector<uint32_t> strange = {0x00000000, 0x80000000,  // both zeros
                                         0x7f800000, 0xff800000,  // both infinities
                                         0x7fc00000, 0x7fc12345,
                                         0xffffffff,              // NaNs with their payloads
                                         0x7f800001,              // one that signals
                                         0x00000001, 0x807fffff,  // denormals
                                         0x7f7fffff, 0x3f800001};
  const NamedTensors saved = {{"scalar", Tensor::scalar(1.5)},
                              {"empty", Tensor::empty({0})},
                              {"empty.of.four.axes", Tensor::empty({2, 0, 3, 4})},
                              {"one", Tensor::from({1}, {-7})},
                              {"matrix", Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6})},
                              {"four.axes", Tensor::from({2, 1, 3, 1}, {1, 2, 3, 4, 5, 6})},
                              {"strange", from_bits(strange)},
                              {"bn.num_batches_tracked", Tensor::scalar(12345)},
                              {"\xc3\xbc \"quoted\" \\ \n", Tensor::scalar(2)}};
  const std::map<std::string, std::string> metadata = {{"format", "pt"}, {"quote", "\"\\\n"}};
  save_checkpoint(folder / "a", saved, metadata);
  const Checkpoint found = load_checkpoint(folder / "a");
  CHECK(found.metadata == metadata);
  CHECK(found.tensors.size() == saved.size());
  for (const auto& entry : saved) {
    const std::string& name = entry.first;
    const Tensor& tensor = entry.second;
    CAPTURE(name);
    REQUIRE(found.tensors.contains(name));
    CHECK(found.tensors.at(name).shape() == tensor.shape());
    CHECK(bits_of(found.tensors.at(name)) == bits_of(tensor));
  }
  CHECK(bits_of(found.tensors.at("strange")) == strange);

  save_checkpoint(folder / "b", {});
  CHECK(load_checkpoint(folder / "b").tensors.empty());
  CHECK(load_checkpoint(folder / "b").metadata.empty());
}

TEST_CASE("the file has the safetensors layout") {
  const TempFolder folder;
  save_checkpoint(
      folder / "a",
      {{"w", Tensor::from({1, 2}, {1, -2})}, {"bn.num_batches_tracked", Tensor::scalar(3)}},
      {{"epoch", "7"}});
  const std::string header =
      "{\"__metadata__\":{\"epoch\":\"7\"},"
      "\"bn.num_batches_tracked\":{\"data_offsets\":[8,16],\"dtype\":\"I64\",\"shape\":[]},"
      "\"w\":{\"data_offsets\":[0,8],\"dtype\":\"F32\",\"shape\":[1,2]}}";
  std::string padded = header;
  while (padded.size() % 8 != 0) padded += ' ';
  CHECK(contents(folder / "a") ==
        file_of(padded, std::string("\x00\x00\x80\x3f\x00\x00\x00\xc0", 8) + little_endian(3)));
  for (size_t length = 0; length < 9; ++length) {
    save_checkpoint(folder / "b", {{std::string(length, 'n'), Tensor::ones({3})}});
    const std::string bytes = contents(folder / "b");
    CHECK((bytes.size() - 12) % 8 == 0);  // the numbers begin aligned
  }
}

TEST_CASE("files of other writers load: any order, F64, I64, spaces, empty tensors") {
  const TempFolder folder;
  const std::string header =
      " {\n  \"b\": {\"shape\": [2], \"data_offsets\": [8, 24], \"dtype\": \"F64\"},\n"
      "  \"a\": {\"dtype\": \"I64\", \"shape\": [1, 1], \"data_offsets\": [0, 8]},\n"
      "  \"none\": {\"dtype\": \"F32\", \"shape\": [0], \"data_offsets\": [8, 8]},\n"
      "  \"c\": {\"dtype\": \"F32\", \"shape\": [], \"data_offsets\": [24, 28]}}  ";
  const double doubles[] = {0.1, -1e10};
  std::string numbers = little_endian(static_cast<uint64_t>(-5));
  numbers.append(reinterpret_cast<const char*>(doubles), sizeof doubles);
  numbers += std::string("\x00\x00\x00\x3f", 4);
  write_quickly(folder / "a", file_of(header.substr(1), numbers));
  const Checkpoint found = load_checkpoint(folder / "a");
  CHECK(found.tensors.size() == 4);
  CHECK(found.tensors.at("a").at({0, 0}) == -5);
  CHECK(found.tensors.at("b").to_vector() == Values{0.1f, -1e10f});
  CHECK(found.tensors.at("none").shape() == Shape{0});
  CHECK(found.tensors.at("c").item() == 0.5);
  CHECK(refusal(file_of(header, numbers)) ==  // the format's first byte is the brace
        "DIR/a: not a safetensors file, or a truncated one\n"
        "  the first 8 bytes give a header of " +
            std::to_string(header.size()) + " bytes, " +
            std::to_string(header.size() + numbers.size()) + " follow");
}

TEST_CASE("a network and its optimizer are restored under their names") {
  struct Net : Module {
    Net() : Module("net") {}
    Conv2d conv{*this, "conv", 1, 2, {.kernel = 3}};
    BatchNorm2d bn{*this, "bn", 2};
  };
  const TempFolder folder;
  Net saved, loaded;
  saved.bn(Tensor::from({2, 2, 1, 1}, {1, 2, 3, 4}));
  Adam adam(saved), other(loaded);
  for (const Tensor& p : saved.parameters()) p.set_grad(Tensor::ones(p.shape()));
  adam.step();
  NamedTensors all = with_prefix("G.", saved.state());
  for (auto& entry : with_prefix("opt.", adam.state())) all.push_back(entry);
  CHECK(all[0].first == "G.conv.weight");
  CHECK(all.back().first == "opt.bn.bias.exp_avg_sq");
  save_checkpoint(folder / "a", all);
  const Checkpoint checkpoint = load_checkpoint(folder / "a");
  restore(checkpoint, "G.", loaded.state(), "a");
  restore(checkpoint, "opt.", other.state(), "a");
  const NamedTensors before = saved.state(), after = loaded.state();
  for (size_t i = 0; i < before.size(); ++i) {
    CAPTURE(before[i].first);
    CHECK(bits_of(after[i].second) == bits_of(before[i].second));
  }
  CHECK(loaded.bn.num_batches_tracked.item() == 1);
  CHECK(loaded.conv.weight.requires_grad());
  for (size_t i = 0; i < adam.state().size(); ++i) {
    CHECK(bits_of(other.state()[i].second) == bits_of(adam.state()[i].second));
  }
}

TEST_CASE("restore() lists every mismatch and changes nothing") {
  Checkpoint checkpoint;
  checkpoint.tensors = {{"G.a", Tensor::full({2}, 7)},
                        {"G.b", Tensor::full({3, 1}, 7)},
                        {"G.d", Tensor::full({}, 7)},
                        {"D.a", Tensor::full({2}, 7)}};
  const NamedTensors state = {
      {"a", Tensor::zeros({2})}, {"b", Tensor::zeros({1, 3})}, {"c", Tensor::zeros({4})}};
  const auto message = [&](const std::string& prefix, const NamedTensors& to) {
    return message_of([&] { restore(checkpoint, prefix, to, "run/a.safetensors"); });
  };
  CHECK(message("G.", state) ==
        "run/a.safetensors: a checkpoint of another architecture\n"
        "  shape    G.b is [3, 1], expected [1, 3]\n"
        "  missing  G.c [4]\n"
        "  unknown  G.d []");
  for (const auto& [name, tensor] : state) {
    CHECK(tensor.to_vector() == Values(static_cast<size_t>(tensor.numel()), 0));
  }
  const int line = __LINE__ + 2;
  try {
    restore(checkpoint, "G.", state, "a");
  } catch (const Error& error) {
    CHECK(
        std::string(error.what()).ends_with("\n  at tests/state_test.cpp:" + std::to_string(line)));
  }
  CHECK(message("D.", {state[0]}) == "");
  CHECK(state[0].second.to_vector() == Values{7, 7});
  // Without a prefix, the file may hold other tensors too.
  CHECK(message("", {{"D.a", state[0].second}}) == "");
  CHECK(message("D.", {}) ==
        "run/a.safetensors: a checkpoint of another architecture\n  unknown  D.a [2]");
  NamedTensors many;
  for (int i = 0; i < 9; ++i) many.emplace_back("x" + std::to_string(i), Tensor::zeros({1}));
  CHECK(message("", many) ==
        "run/a.safetensors: a checkpoint of another architecture\n  missing  x0 [1]\n"
        "  missing  x1 [1]\n  missing  x2 [1]\n  missing  x3 [1]\n  missing  x4 [1]\n"
        "  missing  x5 [1]\n  and 3 more\n  the file's first name is D.a");
  many.resize(6);
  CHECK(message("", many).ends_with("\n  missing  x5 [1]\n  the file's first name is D.a"));
}

TEST_CASE("an impossible header length is rejected before anything is read or allocated") {
  CHECK(refusal(std::string("\1\0\2\3\4\5\6", 7)) ==
        "DIR/a: not a safetensors file: shorter than its header's length field\n  found 7 bytes");
  const auto length = [](const std::string& value, size_t follow) {
    return "DIR/a: not a safetensors file, or a truncated one\n"
           "  the first 8 bytes give a header of " +
           value + " bytes, " + std::to_string(follow) + " follow";
  };
  CHECK(refusal(little_endian(0)) == length("0", 0));
  CHECK(refusal(little_endian(3) + "{}") == length("3", 2));
  CHECK(refusal(little_endian(UINT64_MAX) + "{}") == length("18446744073709551615", 2));
  CHECK(refusal(little_endian(uint64_t{1} << 63) + "{}") == length("9223372036854775808", 2));
  CHECK(refusal(little_endian(0) + "{}") != "");
  CHECK(refusal(little_endian(2) + "[]") == length("2", 2));
  CHECK(refusal(little_endian(2) + "{}") == "");
  // No header above the format's 100 MB is read, for any file.
  const TempFolder folder;
  write_quickly(folder / "a", little_endian(100'000'001) + "{");
  fs::resize_file(folder / "a", 200'000'000);
  CHECK(without_folder(message_of([&] { load_checkpoint(folder / "a"); }), folder) ==
        "DIR/a: the header is too long for a safetensors file\n"
        "  found 100000001 bytes, at most 100000000 expected");
}

TEST_CASE("what save_checkpoint() writes loads, however long its header is") {
  const TempFolder folder;
  NamedTensors many;
  for (int i = 0; i < 2'000; ++i) {
    many.emplace_back(std::string(3'000, 'a') + std::to_string(i), Tensor::zeros({1}));
  }
  save_checkpoint(folder / "a", many);
  CHECK(fs::file_size(folder / "a") > 4 << 20);
  CHECK(load_checkpoint(folder / "a").tensors.size() == many.size());
  const std::map<std::string, std::string> long_text = {{"text", std::string(100'000'000, ' ')}};
  CHECK(without_folder(message_of([&] { save_checkpoint(folder / "b", {}, long_text); }), folder) ==
        "DIR/b: the header is too long for a safetensors file\n"
        "  found 100000032 bytes, at most 100000000 expected");
  CHECK(!fs::exists(folder / "b"));
}

TEST_CASE("a header that is not valid JSON or is nested too deeply is rejected") {
  const std::string invalid = "DIR/a: the header is not valid JSON\n  ";
  for (const std::string header : {"{", "{]", "{\"a\":}", "{} {}", "{\"a\":1,}", "{\"\xff\":1}",
                                   "{'a':1}", "{\"a\":NaN}", "{\"a\":1e999}"}) {
    CAPTURE(header);
    CHECK(refusal(file_of(header)).starts_with(invalid));
  }
  const std::string zero = "DIR/a: the header has a zero byte";
  CHECK(refusal(file_of(std::string("{}\0", 3))) == zero);
  CHECK(refusal(file_of(std::string("{}\0 hidden", 10))) == zero);
  const std::string deep = "DIR/a: the header is nested deeper than the format allows";
  CHECK(refusal(file_of("{\"a\":" + std::string(1'000'000, '['))) == deep);
  std::string objects = "{\"a\":{\"b\":";
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  CHECK(refusal(file_of(objects)) == deep);
  CHECK(refusal(with_tensor(R"({"dtype":"F32","shape":[[6]],"data_offsets":[0,24]})")) == deep);
}

TEST_CASE("a duplicate key is rejected on every level") {
  const std::string tensor = "{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}";
  const auto twice = [](const std::string& key) {
    return "DIR/a: the header has a key twice\n  key \"" + key + "\"";
  };
  CHECK(refusal(file_of("{\"w\":" + tensor + ",\"w\":" + tensor + "}", "1234")) == twice("w"));
  CHECK(refusal(file_of("{\"w\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[],"
                        "\"data_offsets\":[0,4]}}",
                        "1234")) == twice("dtype"));
  CHECK(refusal(file_of("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}")) == twice("a"));
  CHECK(refusal(file_of("{\"__metadata__\":{},\"__metadata__\":{}}")) == twice("__metadata__"));
  // The same key in two objects is valid.
  CHECK(refusal(file_of("{\"v\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
                        "\"w\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[4,8]}}",
                        "12345678")) == "");
}

TEST_CASE("a tensor's description with missing or extra fields is rejected") {
  for (const std::string json :
       {"null", "1", "[]", "{}", R"({"dtype":"F32","shape":[6]})",
        R"({"dtype":"F32","data_offsets":[0,24]})", R"({"shape":[6],"data_offsets":[0,24]})",
        R"({"data_offsets":[0,24],"dtype":7,"shape":[6]})",
        R"({"data_offsets":[0,24],"dtype":"F32","shape":6})",
        R"({"data_offsets":24,"dtype":"F32","shape":[6]})",
        R"({"data_offsets":[0],"dtype":"F32","shape":[6]})",
        R"({"data_offsets":[0,12,24],"dtype":"F32","shape":[6]})",
        R"({"data_offsets":[0,24],"dtype":"F32","extra":0,"shape":[6]})"}) {
    CAPTURE(json);
    CHECK(refusal(with_tensor(json)).starts_with(kNoTensor));
  }
  CHECK(refusal(with_tensor(R"({"data_offsets":[0,24],"dtype":"F32","shape":[6]})")) == "");
  CHECK(refusal(with_tensor(R"({"dtype":"F32","shape":[6]})")) ==
        kNoTensor + std::string(R"({"dtype":"F32","shape":[6]})"));
}

TEST_CASE("a description with a number that is not a natural number is rejected") {
  const auto natural = [](const std::string& field, const std::string& value) {
    return "DIR/a: a natural number expected\n  tensor \"w\": " + field + " is " + value;
  };
  for (const std::string text :
       {"-1", "6.0", "1e3", "\"6\"", "null", "true", "18446744073709551616"}) {
    CAPTURE(text);
    // A number beyond 64 bits is a floating-point number to the parser.
    const std::string shown = text == "1e3"                    ? "1000.0"
                              : text == "18446744073709551616" ? "1.8446744073709552e+19"
                                                               : text;
    CHECK(refusal(with_tensor("{\"dtype\":\"F32\",\"shape\":[" + text +
                              "],\"data_offsets\":[0,24]}")) == natural("shape", shown));
    CHECK(refusal(with_tensor("{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[" + text +
                              ",24]}")) == natural("data_offsets", shown));
    CHECK(refusal(with_tensor("{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[0," + text +
                              "]}")) == natural("data_offsets", shown));
  }
  CHECK(refusal(with_tensor(
            R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,24]})")) ==
        "DIR/a: tensor \"w\": extent too large");
}

TEST_CASE("sizes beyond the engine's limits are rejected") {
  // 2^62 floats are 2^64 bytes, which are 0 to 64 bits; 2^32 x 2^32 is 0 elements.
  for (const std::string shape :
       {"4611686018427387904", "4611686018427387904, 4", "4294967296, 4294967296",
        "65536, 65536, 65536, 65536", "4294967296, 4294967296, 0", "9223372036854775807"}) {
    CAPTURE(shape);
    CHECK(refusal(with_tensor("{\"dtype\":\"F32\",\"shape\":[" + shape +
                              "],\"data_offsets\":[0,0]}")) ==
          "DIR/a: tensor \"w\": shape: too many elements\n  found [" + shape + "]");
  }
  // That many elements could exist, but not in this file.
  CHECK(refusal(with_tensor(R"({"dtype":"F32","shape":[1099511627776],"data_offsets":[0,24]})")) ==
        "DIR/a: tensor \"w\": data_offsets do not fit dtype and shape\n"
        "  found [0, 24), F32 [1099511627776] takes 4398046511104 bytes");
  CHECK(refusal(with_tensor(
            R"({"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]})")) ==
        "DIR/a: truncated, or still being written\n"
        "  the header accounts for 4398046511104 bytes, the file has 24");
}

TEST_CASE("tensors that overlap, leave a gap or do not fill the file are rejected") {
  const auto fit = [](const std::string& found, const std::string& takes) {
    return "DIR/a: tensor \"w\": data_offsets do not fit dtype and shape\n  found " + found +
           takes + " bytes";
  };
  CHECK(refusal(with_tensor(R"({"dtype":"F32","shape":[5],"data_offsets":[0,24]})")) ==
        fit("[0, 24), ", "F32 [5] takes 20"));
  CHECK(refusal(with_tensor(R"({"dtype":"F64","shape":[6],"data_offsets":[0,24]})")) ==
        fit("[0, 24), ", "F64 [6] takes 48"));
  CHECK(refusal(with_tensor(R"({"dtype":"F32","shape":[6],"data_offsets":[24,0]})")) ==
        fit("[24, 0), ", "F32 [6] takes 24"));
  CHECK(refusal(
            with_tensor(R"({"dtype":"F32","shape":[],"data_offsets":[18446744073709551612,0]})")) ==
        fit("[18446744073709551612, 0), ", "F32 [] takes 4"));

  const auto two = [](const std::string& v, const std::string& w, size_t bytes) {
    const std::string head = "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":";
    return refusal(
        file_of("{\"v\":" + head + v + "},\"w\":" + head + w + "}}", std::string(bytes, '\0')));
  };
  const auto begins = [](const std::string& name, int at, int expected) {
    return "DIR/a: tensor \"" + name + "\" overlaps another or leaves a gap\n  begins at " +
           std::to_string(at) + ", expected " + std::to_string(expected);
  };
  const auto accounts = [](int header, int file) {
    const std::string what = header > file ? "truncated, or still being written"
                                           : "there are bytes that belong to no tensor";
    return "DIR/a: " + what + "\n  the header accounts for " + std::to_string(header) +
           " bytes, the file has " + std::to_string(file);
  };
  CHECK(two("[0,8]", "[8,16]", 16) == "");
  CHECK(two("[8,16]", "[0,8]", 16) == "");
  CHECK(two("[0,8]", "[4,12]", 12) == begins("w", 4, 8));
  CHECK(two("[0,8]", "[0,8]", 8) == begins("w", 0, 8));
  CHECK(two("[0,8]", "[9,17]", 17) == begins("w", 9, 8));
  CHECK(two("[4,12]", "[12,20]", 20) == begins("v", 4, 0));
  CHECK(two("[0,8]", "[8,16]", 15) == accounts(16, 15));
  CHECK(two("[0,8]", "[8,16]", 17) == accounts(16, 17));
  CHECK(two("[0,8]", "[8,16]", 0) == accounts(16, 0));
  CHECK(refusal(file_of("{}", "x")) == accounts(0, 1));
}

TEST_CASE("metadata that are not strings are rejected") {
  CHECK(refusal(file_of(R"({"__metadata__":{"a":1}})")) ==
        "DIR/a: __metadata__ holds strings only\n  key a");
  CHECK(refusal(file_of(R"({"__metadata__":{"a":{}}})")) ==
        "DIR/a: __metadata__ holds strings only\n  key a");
  CHECK(refusal(file_of(R"({"__metadata__":[]})")) == "DIR/a: __metadata__ is not an object");
  CHECK(refusal(file_of(R"({"__metadata__":null})")) == "DIR/a: __metadata__ is not an object");
  CHECK(refusal(file_of(R"({"__metadata__":{}})")) == "");
}

TEST_CASE("a file truncated at any byte or one byte too long is rejected") {
  const TempFolder folder;
  save_checkpoint(folder / "a",
                  {{"w", Tensor::from({2, 2}, {1, 2, 3, 4})}, {"b", Tensor::from({1}, {5})}},
                  {{"epoch", "7"}});
  const std::string whole = contents(folder / "a");
  REQUIRE(refusal(whole) == "");
  for (size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK(refusal(whole.substr(0, length)).starts_with("DIR/a: "));
  }
  CHECK(refusal(whole + '\0').starts_with("DIR/a: there are bytes that belong to no tensor\n"));
}

// A flipped bit in a name, in the metadata or in the numbers cannot be detected. In all cases the
// file must load or throw an Error that names it.
TEST_CASE("a file with one flipped bit is either loaded or rejected with an Error") {
  const TempFolder folder;
  save_checkpoint(folder / "a",
                  {{"w", Tensor::from({2, 2}, {1, 2, 3, 4})}, {"b", Tensor::from({1}, {5})}},
                  {{"epoch", "7"}});
  const std::string whole = contents(folder / "a");
  size_t refused = 0;
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    write_quickly(folder / "b", damaged);
    CAPTURE(bit);
    try {
      load_checkpoint(folder / "b");
    } catch (const Error& error) {
      ++refused;
      REQUIRE(std::string(error.what()).starts_with((folder / "b").string() + ": "));
    }
  }
  // Numbers and some letters may have any value; the first 8 bytes, brackets and keys may not.
  CHECK(refused > 8 * whole.size() / 2);
}

TEST_CASE("loading a path that is not a regular file is an error") {
  const TempFolder folder;
  CHECK(without_folder(message_of([&] { load_checkpoint(folder / "none"); }), folder) ==
        "DIR/none: cannot be read\n  open: No such file or directory");
  CHECK(without_folder(message_of([&] { load_checkpoint(folder.path()); }), folder) ==
        "DIR: not a regular file\n  it is a folder");
}

TEST_CASE("saving invalid tensors or names is an error and creates no file") {
  const TempFolder folder;
  const Tensor x = Tensor::ones({1});
  const auto message = [&](const NamedTensors& tensors,
                           const std::map<std::string, std::string>& metadata) {
    const std::string text = message_of([&] { save_checkpoint(folder / "a", tensors, metadata); });
    CHECK(!fs::exists(folder / "a"));
    return without_folder(text, folder);
  };
  CHECK(message({{"w", x}, {"w", x}}, {}) == "save_checkpoint: the name w is taken");
  CHECK(message({{"__metadata__", x}}, {}) == "save_checkpoint: the name __metadata__ is taken");
  CHECK(message({{"__metadata__", x}}, {{"a", "b"}}) ==
        "save_checkpoint: the name __metadata__ is taken");
  CHECK(message({{"w", Tensor()}}, {}) == "save_checkpoint: the tensor w is undefined");
  const std::string not_text = "DIR/a: a name or metadata that is not UTF-8\n  ";
  CHECK(message({{"\xff", x}}, {}).starts_with(not_text));
  CHECK(message({{"w", x}}, {{"folder", "/data/\xff"}}).starts_with(not_text));
  const int line = __LINE__ + 2;
  try {
    save_checkpoint(folder / "a", {{"\xff", x}});
  } catch (const Error& error) {
    CHECK(
        std::string(error.what()).ends_with("\n  at tests/state_test.cpp:" + std::to_string(line)));
  }
}

TEST_CASE("if any system call fails, the old checkpoint is intact or the new one complete") {
  const TempFolder folder;
  const fs::path path = folder / "a";
  const NamedTensors before = {{"w", Tensor::full({100}, 1)}};
  const NamedTensors after = {{"w", Tensor::full({100}, 2)}};
  int calls = 0;
  {
    const FailingCalls count(-1, 0);
    save_checkpoint(path, after);
    calls = FailingCalls::calls();
  }
  REQUIRE(calls >= 5);
  int kept = 0, replaced = 0;
  for (const int reason : {EIO, ENOSPC}) {
    for (int fail_at = 0; fail_at < calls; ++fail_at) {
      CAPTURE(fail_at);
      save_checkpoint(path, before);
      {
        const FailingCalls failing(fail_at, reason);
        CHECK(without_folder(message_of([&] { save_checkpoint(path, after); }), folder)
                  .starts_with("DIR/a: "));
        CHECK(FailingCalls::open_files() == 0);
      }
      const Values found = load_checkpoint(path).tensors.at("w").to_vector();
      kept += found == Values(100, 1);
      replaced += found == Values(100, 2);
      CHECK(!fs::exists(folder / "a.tmp"));
    }
  }
  CHECK(kept + replaced == 2 * calls);
  CHECK(kept >= 2 * 5);  // open, write, fsync, close, rename
}

TEST_CASE("a failing read is an error that names the system call") {
  const TempFolder folder;
  save_checkpoint(folder / "a", {{"w", Tensor::ones({100})}});
  const char* const expected[] = {"DIR/a: cannot be read\n  open: Input/output error",
                                  "DIR/a: cannot be read\n  read: Input/output error"};
  for (int fail_at = 0; fail_at < 2; ++fail_at) {
    const FailingCalls failing(fail_at, EIO);
    CHECK(without_folder(message_of([&] { load_checkpoint(folder / "a"); }), folder) ==
          expected[fail_at]);
  }
}

}  // namespace forger::nn
