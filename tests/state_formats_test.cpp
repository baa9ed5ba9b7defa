// Tests checkpoints of other programs and versions: half precision, dtypes that the engine does
// not have, files of other formats, an older Adam, and parts of a network.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "message.h"
#include "nn/file.h"
#include "nn/layers.h"
#include "nn/optim.h"
#include "nn/state.h"
#include "temp_folder.h"

namespace forger::nn {
namespace {

namespace fs = std::filesystem;

using Values = std::vector<Scalar>;

void write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// A safetensors file of this header and these numbers.
std::string file_of(const std::string& header, const std::string& numbers) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + header + numbers;
}

/// A checkpoint with one tensor "w" of all 65,536 patterns of 16 bits.
Tensor all_patterns(const std::string& dtype) {
  std::vector<uint16_t> patterns(65536);
  for (size_t i = 0; i < patterns.size(); ++i) patterns[i] = static_cast<uint16_t>(i);
  const TempFolder folder;
  write(folder / "a",
        file_of(R"({"w":{"dtype":")" + dtype + R"(","shape":[65536],"data_offsets":[0,131072]}})",
                std::string(reinterpret_cast<const char*>(patterns.data()), 131072)));
  return load_checkpoint(folder / "a").tensors.at("w");
}

/// The value of a floating-point number from its fields, by the standard's formula.
double value_of(uint32_t pattern, int exponent_bits, int fraction_bits) {
  const uint32_t exponent = pattern >> fraction_bits & ((1u << exponent_bits) - 1);
  const uint32_t fraction = pattern & ((1u << fraction_bits) - 1);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double sign = pattern >> (exponent_bits + fraction_bits) ? -1 : 1;
  if (exponent == (1u << exponent_bits) - 1) return fraction == 0 ? sign * INFINITY : NAN;
  const double significand = std::ldexp(fraction, -fraction_bits) + (exponent > 0 ? 1 : 0);
  return sign * std::ldexp(significand, std::max(1, static_cast<int>(exponent)) - bias);
}

/// A NaN keeps its sign and its payload, which are the upper bits of a float's.
void check_patterns(const std::string& dtype, int exponent_bits, int fraction_bits) {
  const Tensor x = all_patterns(dtype);
  size_t wrong = 0;
  for (uint32_t pattern = 0; pattern < 65536; ++pattern) {
    const float found = x.data()[pattern];
    const double expected = value_of(pattern, exponent_bits, fraction_bits);
    const uint32_t fraction = pattern & ((1u << fraction_bits) - 1);
    const bool same = std::isnan(expected)
                          ? std::isnan(found) && std::bit_cast<uint32_t>(found) ==
                                                     ((pattern >> 15 << 31) | 0x7f800000u |
                                                      fraction << (23 - fraction_bits))
                          : found == expected && std::signbit(found) == (pattern >> 15 == 1);
    if (!same) ++wrong;
  }
  CHECK(wrong == 0);
}

/// The message of loading a file of these bytes, the folder written as DIR.
std::string refusal(const std::string& bytes) {
  const TempFolder folder;
  write(folder / "a", bytes);
  return without_folder(message_of([&] { load_checkpoint(folder / "a"); }), folder);
}

std::vector<std::string> lines_of(const std::vector<Mismatch>& wrong) {
  std::vector<std::string> lines;
  for (const Mismatch& mismatch : wrong) lines.push_back(mismatch.str());
  return lines;
}
using Lines = std::vector<std::string>;

struct Net : Module {
  explicit Net(int64_t hidden) : Module("net"), fc(*this, "fc", 3, hidden), bn(*this, "bn", 2) {}
  Linear fc;
  BatchNorm1d bn;
};

}  // namespace

TEST_CASE("every F16 and BF16 bit pattern converts to the same float") {
  check_patterns("F16", 5, 10);
  check_patterns("BF16", 8, 7);
}

TEST_CASE("a tensor that the engine cannot hold is an error only if it is restored") {
  const TempFolder folder;
  write(folder / "a",
        file_of(R"({"G.w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                R"("G.i":{"dtype":"I32","shape":[2],"data_offsets":[4,12]},)"
                R"("G.cube":{"dtype":"F32","shape":[1,1,1,1,1],"data_offsets":[12,16]},)"
                R"("D.odd":{"dtype":"F4","shape":[3],"data_offsets":[16,18]}})",
                std::string("\0\0\x80\x3f", 4) + std::string(14, '\0')));
  const Checkpoint checkpoint = load_checkpoint(folder / "a");
  CHECK(checkpoint.tensors.size() == 1);
  CHECK(checkpoint.tensors.at("G.w").item() == 1);
  const std::string dtypes = ", expected F32, F64, F16, BF16 or I64";
  CHECK(checkpoint.unread ==
        std::map<std::string, std::string>{{"G.i", "has dtype I32" + dtypes},
                                           {"G.cube", "has 5 axes, expected at most 4"},
                                           {"D.odd", "has dtype F4" + dtypes}});
  const Tensor w = Tensor::zeros({1}), i = Tensor::zeros({2});
  restore(checkpoint, "", {{"G.w", w}}, "a");
  CHECK(w.item() == 1);
  CHECK(message_of([&] {
          restore(checkpoint, "G.", {{"w", w}, {"i", i}}, "a");
        }) == "a: a checkpoint of another architecture\n  unread   G.i has dtype I32" + dtypes +
                  "\n  unknown  G.cube has 5 axes, expected at most 4");
  CHECK(refusal(file_of(R"({"w":{"dtype":"I32","shape":[2],"data_offsets":[8,0]}})",
                        std::string(8, '\0'))) ==
        "DIR/a: tensor \"w\": data_offsets do not fit dtype and shape\n"
        "  found [8, 0), expected a beginning before the end");
  CHECK(refusal(file_of(R"({"w":{"dtype":"I32","shape":[2],"data_offsets":[0,4]}})",
                        std::string(8, '\0'))) ==
        "DIR/a: there are bytes that belong to no tensor\n"
        "  the header accounts for 4 bytes, the file has 8");
}

TEST_CASE("loading a file of another format names the format") {
  const std::string no = "DIR/a: not a safetensors file\n  it is ";
  const std::string save =
      "\n  expected what safetensors.torch.save_file(model.state_dict(), path) writes";
  const std::string rest(100, '\x01');
  // the first bytes of torch.save({'w': torch.ones(3)}, path), in both of its forms
  const std::string zip(
      "PK\x03\x04\0\0\x08\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0c\0\x16\0"
      "d_t/data.pklFB\x12\0ZZZZZZZZZZZZZZZZZZ\x80\x02}q\0",
      69);
  const std::string pickled("\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.", 21);
  CHECK(refusal(zip + rest) == no + "a PyTorch file of torch.save()" + save);
  CHECK(refusal(pickled + rest) == no + "a PyTorch file of torch.save()" + save);
  CHECK(refusal("\x80\x04\x95" + rest) == no + "a Python pickle" + save);
  CHECK(refusal("PK\x03\x04" + rest) == no + "a zip archive");
  CHECK(refusal("\x1f\x8b\x08" + rest) == no + "gzip data");
  CHECK(refusal("\x89PNG\r\n\x1a\n" + rest) == no + "a PNG image");
  CHECK(refusal("<!DOCTYPE html><title>404</title>") == no + "an HTML or XML page");
  CHECK(refusal("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n") ==
        no + "a Git LFS pointer: `git lfs pull` gets the file");
  CHECK(refusal("This is no checkpoint.") == no + "text: \"This is no check\"");
  CHECK(refusal("{\"a\": 1}") == no + "text: \"{\"a\": 1}\"");
  CHECK(refusal("") == no + "an empty file");
  CHECK(refusal("abc") == no + "text: \"abc\"");
  // A header's length may look like the beginning of another format: 19,778 are the letters BM.
  CHECK(refusal(std::string("BM\0\0\0\0\0\0", 8) + "{\"w\":{" + rest) ==
        "DIR/a: not a safetensors file, or a truncated one\n"
        "  the first 8 bytes give a header of 19778 bytes, 106 follow");
}

TEST_CASE("an older checkpoint of Adam with one common step count is restored") {
  const Net net(2);
  Adam adam(net, {.lr = 0.01}), resumed(net, {.lr = 0.01});
  for (const Tensor& p : net.parameters()) p.set_grad(Tensor::ones(p.shape()));
  adam.step();
  adam.step();
  Checkpoint old;
  old.tensors["opt.step"] = Tensor::scalar(2);
  for (const auto& [name, tensor] : adam.state()) {
    if (!name.ends_with(".step")) old.tensors["opt." + name] = tensor;
  }
  restore(old, "opt.", resumed.state(), "a");
  const NamedTensors expected = adam.state(), found = resumed.state();
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(found[i].second.to_vector() == expected[i].second.to_vector());
  }
  CHECK(restore_matching(old, "opt.", resumed.state()).empty());
  // If each parameter has a step, a common step is an unknown tensor.
  for (const auto& [name, tensor] : adam.state()) old.tensors["opt." + name] = tensor;
  CHECK(message_of([&] { restore(old, "opt.", resumed.state(), "a"); }) ==
        "a: a checkpoint of another architecture\n  unknown  opt.step []");
}

TEST_CASE("a parameter that an older checkpoint of Adam never moved starts at its first step") {
  struct Two : Module {
    Two() : Module("two") {}
    Parameter a = parameter("a", Tensor::ones({1})), b = parameter("b", Tensor::ones({1}));
  };
  Checkpoint old;
  old.tensors = {{"o.step", Tensor::scalar(1000)},
                 {"o.a.exp_avg", Tensor::ones({1})},
                 {"o.a.exp_avg_sq", Tensor::ones({1})}};
  const auto steps_and_move = [](const Two& two, Adam& adam) {
    const NamedTensors state = adam.state();
    two.b.set_grad(Tensor::ones({1}));
    const Values steps = {state[0].second.item(), state[3].second.item()};
    adam.step();
    CHECK(std::abs(static_cast<double>(two.b.item()) - 0.99) < 1e-6);  // moved by lr
    return steps;
  };
  const Two grown;  // b came after the checkpoint
  Adam grown_adam(grown, {.lr = 0.01});
  CHECK(lines_of(restore_matching(old, "o.", grown_adam.state())) ==
        Lines{"missing  o.b.step []", "missing  o.b.exp_avg [1]", "missing  o.b.exp_avg_sq [1]"});
  CHECK(steps_and_move(grown, grown_adam) == Values{1000, 0});

  old.tensors["o.b.exp_avg"] = old.tensors["o.b.exp_avg_sq"] = Tensor::zeros({1});
  const Two thawed;  // b was frozen when the checkpoint was written
  Adam thawed_adam(thawed, {.lr = 0.01});
  restore(old, "o.", thawed_adam.state(), "a");
  CHECK(steps_and_move(thawed, thawed_adam) == Values{1000, 0});
}

TEST_CASE("restore_matching() copies matching tensors and returns the differences") {
  Checkpoint checkpoint;
  checkpoint.tensors = {{"G.a", Tensor::full({2}, 7)},
                        {"G.b", Tensor::full({3, 1}, 7)},
                        {"G.d", Tensor::full({}, 7)},
                        {"D.a", Tensor::full({2}, 7)}};
  checkpoint.unread = {{"G.e", "has 5 axes, expected at most 4"}};
  const Tensor a = Tensor::zeros({2}), b = Tensor::zeros({1, 3}), c = Tensor::zeros({4});
  const Tensor e = Tensor::zeros({1});
  CHECK(lines_of(restore_matching(checkpoint, "G.", {{"a", a}, {"b", b}, {"c", c}, {"e", e}})) ==
        Lines{"shape    G.b is [3, 1], expected [1, 3]", "missing  G.c [4]",
              "unread   G.e has 5 axes, expected at most 4", "unknown  G.d []"});
  CHECK(a.to_vector() == Values{7, 7});
  CHECK(b.to_vector() == Values{0, 0, 0});
  CHECK(c.to_vector() == Values{0, 0, 0, 0});
  CHECK(restore_matching({}, "G.", {{"drop.random_state", a}, {"random_state", a}}).empty());
  CHECK(lines_of(restore_matching({}, "G.", {{"my_random_state", a}})) ==
        Lines{"missing  G.my_random_state [2]"});
  const auto missing = restore_matching(checkpoint, "", {{"x", c}});
  REQUIRE(missing.size() == 1);
  CHECK(missing[0].name == "x");
  CHECK(missing[0].kind == Mismatch::Kind::kMissing);
  CHECK(missing[0].detail == "[4]");
}

TEST_CASE("copy_state() copies all tensors, or lists the differences and changes nothing") {
  Net from(2), into(2);
  from.bn(Tensor::from({2, 2}, {1, 2, 3, 4}));
  copy_state(from, into);
  const NamedTensors expected = from.state(), found = into.state();
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(found[i].second.to_vector() == expected[i].second.to_vector());
    CHECK(found[i].second.storage() != expected[i].second.storage());
  }
  CHECK(into.bn.num_batches_tracked.item() == 1);
  const Net wider(4);
  *wider.bn.running_mean.mutable_data() = 5;
  CHECK(message_of([&] { copy_state(from, wider); }) ==
        "copy_state: the modules differ in architecture\n"
        "  shape    fc.weight is [2, 3], expected [4, 3]\n"
        "  shape    fc.bias is [2], expected [4]");
  CHECK(wider.bn.running_mean.at({0}) == 5);
  struct Dropping : Net {
    Dropping() : Net(2) {}
    Dropout drop{*this, "drop"};
  };
  CHECK(message_of([&] { copy_state(from, Dropping()); }) ==
        "copy_state: the modules differ in architecture\n  missing  drop.random_state [2, 4]");
  CHECK(message_of([&] { copy_state(from.fc, from.bn); }) ==
        "copy_state: the modules differ in architecture\n"
        "  shape    weight is [2, 3], expected [2]\n  missing  running_mean [2]\n"
        "  missing  running_var [2]\n  missing  num_batches_tracked []");
}

}  // namespace forger::nn
