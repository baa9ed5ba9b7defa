#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "nn/module.h"

/// Checkpoints in the safetensors format: a length, a JSON header, and the numbers, little-endian
/// and row-major (github.com/huggingface/safetensors). PyTorch's safetensors package reads them.
namespace forger::nn {

/// What a file holds. Metadata are strings, by the format.
struct Checkpoint {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Writes the tensors under their names, whole or not at all. Throws Error when the file cannot be
/// written, a name is given twice or a text is not UTF-8.
void save_checkpoint(const std::filesystem::path& path, const NamedTensors& tensors,
                     const std::map<std::string, std::string>& metadata = {});

/// Reads a file of F32, F64 or I64 tensors of at most 4 axes. Nothing in the file is believed
/// before it is checked. Throws Error that names the file, the tensor and what is wrong.
Checkpoint load_checkpoint(const std::filesystem::path& path);

/// Copies the tensors `prefix + name` into `state`. Every name must be there with the same shape,
/// and nothing else may begin with a non-empty prefix; otherwise throws Error and changes nothing.
void restore(const Checkpoint& checkpoint, const std::string& prefix, const NamedTensors& state,
             const std::string& source);

/// The same names with a prefix, to put several modules into one file.
NamedTensors with_prefix(const std::string& prefix, NamedTensors tensors);

}  // namespace forger::nn
