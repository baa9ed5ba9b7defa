#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "autograd/error.h"
#include "autograd/source_loc.h"
#include "autograd/tensor.h"
#include "nn/module.h"

/// Checkpoints in the safetensors format: a length, a JSON header, and the numbers, little-endian
/// and row-major (github.com/huggingface/safetensors). PyTorch's safetensors package reads them.
namespace forger::nn {

/// What a file holds. Metadata are strings, by the format.
struct Checkpoint {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
  /// Tensors of other dtypes or with more than 4 axes, which were not read, and why:
  /// "has dtype I32, expected F32, F64, F16, BF16 or I64".
  std::map<std::string, std::string> unread = {};
};

/// Writes the tensors under their names, whole or not at all. Throws Error when the file cannot be
/// written, a name is given twice or a text is not UTF-8.
void save_checkpoint(const std::filesystem::path& path, const NamedTensors& tensors,
                     const std::map<std::string, std::string>& metadata = {},
                     SourceLoc loc = SourceLoc::here());

/// Reads a safetensors file. F32, F64, F16, BF16 and I64 become Scalars; F16 and BF16 do so
/// exactly. Every number of the header is checked before it is used. Throws Error that names the
/// file, the tensor and the fault, or the file's real format if it is another one.
Checkpoint load_checkpoint(const std::filesystem::path& path);

/// A tensor that restore() refuses and restore_matching() skips.
struct Mismatch {
  std::string name;    // with the prefix: "G.fc.weight"
  std::string kind;    // "missing", "shape", "unread" or "unknown"
  std::string detail;  // "is [3, 1], expected [1, 3]"

  /// "shape    G.fc.weight is [3, 1], expected [1, 3]"
  std::string str() const;
};

/// Copies the tensors `prefix + name` into `state`. Every name must be there with the same shape,
/// and nothing else may begin with a non-empty prefix. Otherwise it throws Error and changes
/// nothing. Only the random_state of a Dropout may be missing, as in PyTorch's files; it then keeps
/// its numbers. `source` is the file's name for the message. An Adam of an older checkpoint, which has
/// one "step" for all parameters, is restored as well.
void restore(const Checkpoint& checkpoint, const std::string& prefix, const NamedTensors& state,
             const std::string& source, SourceLoc loc = SourceLoc::here());

/// Copies those of the tensors `prefix + name` that are there with the same shape. Returns the
/// others, and what the checkpoint holds beyond the state under a non-empty prefix.
std::vector<Mismatch> restore_matching(const Checkpoint& checkpoint, const std::string& prefix,
                                       const NamedTensors& state,
                                       SourceLoc loc = SourceLoc::here());

/// A parameter or buffer of one module, and its namesake in another.
struct StatePair {
  std::string name;
  Tensor from, into;
};
/// Pairs the states of two modules, in the order of `from`. Throws Error that names `op` and every
/// difference unless both have the same names and shapes.
std::vector<StatePair> paired_state(const char* op, const Module& from, const Module& into,
                                    SourceLoc loc);

/// Copies all parameters and buffers of a module into another of the same architecture. Throws
/// Error that names every difference, and changes nothing then.
void copy_state(const Module& from, const Module& into, SourceLoc loc = SourceLoc::here());

/// The same names with a prefix, to put several modules into one file.
NamedTensors with_prefix(const std::string& prefix, NamedTensors tensors);

}  // namespace forger::nn
