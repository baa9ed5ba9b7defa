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
  /// Why a tensor was not read, by name: "has dtype I32, expected F32, F64, F16, BF16 or I64" or
  /// "has 5 axes, expected at most 4".
  std::map<std::string, std::string> unread = {};
};

/// Writes the tensors under their names, whole or not at all. Throws Error when the file cannot be
/// written, a name is given twice, a text is not UTF-8, or names and metadata exceed the format's
/// 100 MB.
void save_checkpoint(const std::filesystem::path& path, const NamedTensors& tensors,
                     const std::map<std::string, std::string>& metadata = {},
                     SourceLoc loc = SourceLoc::here());

/// Reads a safetensors file. F32, F64, F16, BF16 and I64 become Scalars; F16 and BF16 do so
/// exactly. Every number of the header is checked before it is used. Throws Error that names the
/// file, the tensor and the fault, or the file's real format if it is another one. It names no
/// line, because the fault is in the file.
Checkpoint load_checkpoint(const std::filesystem::path& path);

/// A tensor that restore() refuses and restore_matching() skips.
struct Mismatch {
  enum class Kind { kMissing, kShape, kUnread, kUnknown };
  std::string name;  // with the prefix: "G.fc.weight"
  Kind kind;
  std::string detail;  // "is [3, 1], expected [1, 3]"

  /// "shape    G.fc.weight is [3, 1], expected [1, 3]"
  std::string str() const;
};

/// Copies the tensors `prefix + name` into `state`. Every name must be there with the same shape,
/// and nothing else may begin with a non-empty prefix. Otherwise it throws Error and changes
/// nothing. Only the random_state of a Dropout may be missing, as in PyTorch's files; it then keeps
/// its numbers. `source` is the file's name for the message. An Adam of an older checkpoint, which
/// has one "step" for all parameters, is restored as well: a parameter whose exp_avg_sq is 0 gets
/// step 0.
void restore(const Checkpoint& checkpoint, const std::string& prefix, const NamedTensors& state,
             const std::string& source, SourceLoc loc = SourceLoc::here());

/// Copies those of the tensors `prefix + name` that are there with the same shape. Returns the
/// others, except a missing random_state, and what the checkpoint holds beyond the state under a
/// non-empty prefix.
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

/// Copies all parameters and buffers of a module into another of the same architecture. If they
/// differ, throws an Error that lists all differences and changes nothing. The copy includes the
/// random_state of each Dropout, so in training both modules then drop the same elements.
void copy_state(const Module& from, const Module& into, SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
