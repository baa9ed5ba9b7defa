// Tests checkpoints written by PyTorch. Reading gives the same bits, and writing gives the same
// bytes. Compiled into both test programs.
#include <doctest/doctest.h>

#include <cstring>
#include <set>

#include "nn/file.h"
#include "nn/layers.h"
#include "nn/state.h"
#include "temp_folder.h"

namespace forger {
namespace {

constexpr bool kFloat = sizeof(Scalar) == 4;

std::filesystem::path fixture(const std::string& name) {
  return std::filesystem::path(FORGER_SOURCE_DIR "/tests/fixtures") / name;
}

/// The twin of Everything in fixtures/checkpoints.py.
struct Everything : nn::Module {
  Everything() : Module("everything") {
    net.add<nn::Linear>(2, 2);
    net.add<nn::ReLU>();
    net.add<nn::Linear>(2, 1);
  }
  nn::Linear fc{*this, "fc", 3, 2};
  nn::Conv2d conv{*this, "conv", 1, 3, {.kernel = 3, .bias = false}};
  nn::ConvTranspose2d up{*this, "up", 3, 1, {.kernel = 2}};
  nn::BatchNorm1d bn1{*this, "bn1", 3};
  nn::BatchNorm2d bn2{*this, "bn2", 3};
  nn::LayerNorm ln{*this, "ln", {2, 3}};
  nn::GroupNorm gn{*this, "gn", 2, 4};
  nn::InstanceNorm2d inorm{*this, "inorm", 3, true};
  nn::Embedding embedding{*this, "embedding", 5, 3};
  nn::SpectralNorm<nn::Conv2d> sn_conv{*this, "sn_conv", 1, 3, {.kernel = 3}};
  nn::SpectralNorm<nn::ConvTranspose2d> sn_up{*this, "sn_up", 3, 1, {.kernel = 2}};
  nn::WeightNorm<nn::Linear> wn{*this, "wn", 3, 2};
  nn::Sequential net{*this, "net"};
};

const std::string kLoaded = "checkpoint.safetensors";

}  // namespace

TEST_CASE("checkpoint: a state_dict of PyTorch's loads into the same layers bit for bit") {
  const nn::Checkpoint checkpoint = nn::load_checkpoint(fixture(kLoaded));
  const Everything module;
  nn::restore(checkpoint, "", module.state(), kLoaded);
  CHECK(module.state().size() == checkpoint.tensors.size());
  for (const auto& entry : module.state()) {
    CAPTURE(entry.first);
    const Tensor &tensor = entry.second, &loaded = checkpoint.tensors.at(entry.first);
    REQUIRE(tensor.shape() == loaded.shape());
    CHECK(std::memcmp(tensor.data(), loaded.data(),
                      static_cast<size_t>(tensor.numel()) * sizeof(Scalar)) == 0);
  }
  CHECK(checkpoint.metadata ==
        std::map<std::string, std::string>{{"epoch", "3"}, {"note", "\u00e9t\u00e9 \"x\""}});
}

TEST_CASE("checkpoint: the file that we write is byte for byte the one that PyTorch reads") {
  const nn::Checkpoint checkpoint = nn::load_checkpoint(fixture(kLoaded));
  const Everything module;
  nn::restore(checkpoint, "", module.state(), kLoaded);
  const TempFolder folder;
  nn::save_checkpoint(folder / "again", module.state(), checkpoint.metadata);
  const std::string ours = nn::read_file(folder / "again", 1 << 20);
  const std::string theirs = nn::read_file(fixture(kLoaded), 1 << 20);
  if (kFloat) {
    CHECK(ours == theirs);
  } else {  // F64 is wider, but the same numbers
    const nn::Checkpoint again = nn::load_checkpoint(folder / "again");
    CHECK(again.tensors.size() == checkpoint.tensors.size());
    for (const auto& [name, tensor] : again.tensors) {
      CHECK(tensor.to_vector() == checkpoint.tensors.at(name).to_vector());
    }
  }
}

TEST_CASE("checkpoint: special numbers and shapes are read and written without change") {
  const std::string name = kFloat ? "values_f32.safetensors" : "values_f64.safetensors";
  const nn::Checkpoint checkpoint = nn::load_checkpoint(fixture(name));
  CHECK(checkpoint.tensors.size() == 9);
  CHECK(checkpoint.tensors.at("c no axes").rank() == 0);
  CHECK(checkpoint.tensors.at("d no rows").shape() == Shape{0, 3});
  CHECK(checkpoint.tensors.at("e no columns").shape() == Shape{2, 0, 3});
  const TempFolder folder;
  nn::save_checkpoint(folder / "again", {checkpoint.tensors.begin(), checkpoint.tensors.end()});
  CHECK(nn::read_file(folder / "again", 1 << 20) == nn::read_file(fixture(name), 1 << 20));
}

}  // namespace forger
