#include "nn/state.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "nn/content.h"
#include "nn/file.h"

namespace forger::nn {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

using Json = nlohmann::json;

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's limit
constexpr uint64_t kMaxFileBytes = uint64_t{8} << 30;
constexpr const char* kLongHeader = "the header is too long for a safetensors file";
constexpr const char* kMetadata = "__metadata__";
constexpr const char* kScalarType = sizeof(Scalar) == 4 ? "F32" : "F64";

/// PyTorch keeps this counter of batch norm as an integer.
bool is_counter(const std::string& name) { return name.ends_with("num_batches_tracked"); }

/// The state of a Dropout's random numbers, which PyTorch's files and older checkpoints lack.
bool is_optional(std::string_view name) {
  return name == "random_state" || name.ends_with(".random_state");
}

[[noreturn]] void fail_file(const std::string& source, const std::string& what,
                            const std::vector<std::string>& details = {}) {
  fail(source, what, details, {});
}

template <class Element>
void append(std::string& bytes, Element value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// Parses the header. It refuses a key that is given twice, because readers differ in which of the
/// two they use.
Json parse_header(const std::string& source, std::string_view text) {
  // The parser stops at a zero byte and would not see what follows.
  if (text.find('\0') != text.npos) fail_file(source, "the header has a zero byte");
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > 3) fail_file(source, "the header is nested deeper than the format allows");
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key &&
        !keys.back().insert(parsed.get<std::string>()).second) {
      fail_file(source, "the header has a key twice", {"key " + parsed.dump()});
    }
    return true;
  };
  try {
    Json header = Json::parse(text, check);
    if (!header.is_object()) fail_file(source, "the header is not a JSON object");
    return header;
  } catch (const Json::exception& error) {
    fail_file(source, "the header is not valid JSON", {error.what()});
  }
}

/// Returns a non-negative integer of the header. Throws Error that names the field otherwise.
uint64_t natural(const std::string& source, const std::string& field, const Json& value) {
  if (!value.is_number_unsigned()) {
    fail_file(source, "a natural number expected", {field + " is " + value.dump()});
  }
  return value.get<uint64_t>();
}

/// IEEE 754's binary16: sign, 5 bits of exponent, 10 of fraction. A float holds all its values.
struct Half {
  uint16_t bits;

  operator float() const {
    const uint32_t sign = uint32_t{bits} >> 15 << 31;
    const uint32_t exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
    if (exponent == 0) {  // zero or subnormal: fraction 2^-24
      const auto value = static_cast<float>(fraction) * 0x1p-24f;
      return std::bit_cast<float>(std::bit_cast<uint32_t>(value) | sign);
    }
    const uint32_t float_exponent = exponent == 0x1f ? 0xff : exponent + (127 - 15);
    return std::bit_cast<float>(sign | float_exponent << 23 | fraction << 13);
  }
};

/// bfloat16: the upper half of a float.
struct BFloat16 {
  uint16_t bits;

  operator float() const { return std::bit_cast<float>(uint32_t{bits} << 16); }
};

template <class Element>
Tensor read_tensor(const Shape& shape, const char* bytes) {
  const Tensor y = Tensor::empty(shape);
  Scalar* out = y.mutable_data();
  for (int64_t i = 0; i < y.numel(); ++i) {
    Element value;
    std::memcpy(&value, bytes + static_cast<size_t>(i) * sizeof value, sizeof value);
    out[i] = static_cast<Scalar>(value);
  }
  return y;
}

struct Dtype {
  std::string_view name;
  uint64_t bytes;  // of one element
  Tensor (*read)(const Shape& shape, const char* bytes);
};
constexpr Dtype kDtypes[] = {{"F32", 4, read_tensor<float>},
                             {"F64", 8, read_tensor<double>},
                             {"F16", 2, read_tensor<Half>},
                             {"BF16", 2, read_tensor<BFloat16>},
                             {"I64", 8, read_tensor<int64_t>}};
constexpr const char* kDtypeNames = "F32, F64, F16, BF16 or I64";

struct Entry {
  std::string name;
  Shape shape;
  const Dtype* dtype;
  uint64_t begin, end;
  std::string unread;  // why the tensor is not read, or empty
};

Entry parse_entry(const std::string& source, const std::string& name, const Json& json) {
  const std::string tensor = "tensor \"" + name + "\"";
  if (!json.is_object() || json.size() != 3 || !json.contains("dtype") || !json.contains("shape") ||
      !json.contains("data_offsets") || !json["dtype"].is_string() || !json["shape"].is_array() ||
      !json["data_offsets"].is_array() || json["data_offsets"].size() != 2) {
    fail_file(source, tensor + ": dtype, shape and two data_offsets expected", {json.dump()});
  }
  Entry entry{.name = name, .shape = {}, .dtype = nullptr, .begin = 0, .end = 0, .unread = ""};
  const auto type = json["dtype"].get<std::string>();
  std::vector<int64_t> shape;
  for (const Json& json_extent : json["shape"]) {
    const uint64_t extent = natural(source, tensor + ": shape", json_extent);
    if (extent > INT64_MAX) fail_file(source, tensor + ": extent too large");
    shape.push_back(static_cast<int64_t>(extent));
  }
  entry.begin = natural(source, tensor + ": data_offsets", json["data_offsets"][0]);
  entry.end = natural(source, tensor + ": data_offsets", json["data_offsets"][1]);
  const auto fail_offsets = [&](const std::string& expected) {
    fail_file(source, tensor + ": data_offsets do not fit dtype and shape",
              {"found [" + std::to_string(entry.begin) + ", " + std::to_string(entry.end) + "), " +
               expected});
  };
  for (const Dtype& dtype : kDtypes) {
    if (dtype.name == type) entry.dtype = &dtype;
  }
  if (!entry.dtype) {
    entry.unread = "has dtype " + type + ", expected " + kDtypeNames;
  } else if (shape.size() > Shape::kMaxRank) {
    entry.unread = "has " + std::to_string(shape.size()) + " axes, expected at most 4";
  }
  if (!entry.unread.empty()) {
    if (entry.end < entry.begin) fail_offsets("expected a beginning before the end");
    return entry;
  }
  try {
    entry.shape = Shape(shape.data(), static_cast<int>(shape.size()), {});
  } catch (const Error& error) {
    fail_file(source, tensor + ": " + error.what());
  }
  const uint64_t bytes = static_cast<uint64_t>(entry.shape.numel()) * entry.dtype->bytes;
  if (entry.end < entry.begin || entry.end - entry.begin != bytes) {
    fail_offsets(type + " " + entry.shape.str() + " takes " + std::to_string(bytes) + " bytes");
  }
  return entry;
}

/// Throws the Error for a file that does not begin as a safetensors file does.
[[noreturn]] void fail_format(const std::string& source, std::string_view bytes,
                              uint64_t header_size) {
  const std::string_view first = bytes.substr(0, 512);
  const std::string content = describe_content(first);
  if (bytes.size() <= 8 || bytes[8] != '{') {
    if (content.starts_with("text")) {
      fail_file(source, "not a safetensors file", {"it is text: " + show_bytes(first)});
    }
    if (content.find("PyTorch") != content.npos || content.find("pickle") != content.npos) {
      fail_file(source, "not a safetensors file",
                {"it is " + content,
                 "expected what safetensors.torch.save_file(model.state_dict(), path) writes"});
    }
    if (content != "an unknown format") {
      fail_file(source, "not a safetensors file", {"it is " + content});
    }
  }
  if (bytes.size() < sizeof header_size) {
    fail_file(source, "not a safetensors file: shorter than its header's length field",
              {"found " + std::to_string(bytes.size()) + " bytes"});
  }
  fail_file(source, "not a safetensors file, or a truncated one",
            {"the first 8 bytes give a header of " + std::to_string(header_size) + " bytes, " +
             std::to_string(bytes.size() - sizeof header_size) + " follow"});
}

/// Gives each parameter of an Adam a step count. Older checkpoints have one "step" for all
/// parameters. A parameter without second moments never had a gradient, so its count is 0.
Checkpoint with_step_counts(Checkpoint checkpoint, const std::string& prefix) {
  const auto common = checkpoint.tensors.find(prefix + "step");
  if (common == checkpoint.tensors.end()) return checkpoint;
  constexpr std::string_view kSquares = ".exp_avg_sq";
  std::map<std::string, Tensor> counts;
  for (const auto& [name, squares] : checkpoint.tensors) {
    if (!name.starts_with(prefix) || !name.ends_with(kSquares)) continue;
    const std::string count = name.substr(0, name.size() - kSquares.size()) + ".step";
    if (checkpoint.tensors.contains(count)) continue;
    const bool moved = std::any_of(squares.data(), squares.data() + squares.numel(),
                                   [](Scalar square) { return square != 0; });
    counts[count] = moved ? common->second : Tensor::zeros(common->second.shape());
  }
  if (!counts.empty()) checkpoint.tensors.erase(common);
  checkpoint.tensors.merge(counts);
  return checkpoint;
}

using Kind = Mismatch::Kind;

/// Returns every tensor of `state` that the checkpoint does not hold in the same shape. With
/// `whole`, tensors that only the checkpoint has under the prefix are returned as well.
std::vector<Mismatch> mismatches(const Checkpoint& checkpoint, const std::string& prefix,
                                 const NamedTensors& state, bool whole) {
  std::vector<Mismatch> wrong;
  std::set<std::string> expected;
  for (const auto& [name, tensor] : state) {
    const std::string stored = prefix + name;
    expected.insert(stored);
    const auto found = checkpoint.tensors.find(stored);
    const auto unread = checkpoint.unread.find(stored);
    if (unread != checkpoint.unread.end()) {
      wrong.push_back({stored, Kind::kUnread, unread->second});
    } else if (found == checkpoint.tensors.end()) {
      wrong.push_back({stored, Kind::kMissing, tensor.shape().str()});
    } else if (found->second.shape() != tensor.shape()) {
      wrong.push_back({stored, Kind::kShape,
                       "is " + found->second.shape().str() + ", expected " + tensor.shape().str()});
    }
  }
  const auto is_unknown = [&](const std::string& name) {
    return whole && name.starts_with(prefix) && !expected.contains(name);
  };
  for (const auto& [name, tensor] : checkpoint.tensors) {
    if (is_unknown(name)) wrong.push_back({name, Kind::kUnknown, tensor.shape().str()});
  }
  for (const auto& [name, why] : checkpoint.unread) {
    if (is_unknown(name)) wrong.push_back({name, Kind::kUnknown, why});
  }
  return wrong;
}

/// Returns the lines of an error about mismatches: the first six and how many more there are.
std::vector<std::string> abridged(const std::vector<Mismatch>& wrong) {
  constexpr size_t kShown = 6;
  std::vector<std::string> lines;
  for (size_t i = 0; i < std::min(wrong.size(), kShown); ++i) lines.push_back(wrong[i].str());
  if (wrong.size() > kShown) {
    lines.push_back("and " + std::to_string(wrong.size() - kShown) + " more");
  }
  return lines;
}

/// Returns the differences that matter when `state` is read from a file.
std::vector<Mismatch> mismatches_of_file(const Checkpoint& checkpoint, const std::string& prefix,
                                         const NamedTensors& state) {
  std::vector<Mismatch> wrong = mismatches(checkpoint, prefix, state, !prefix.empty());
  std::erase_if(wrong, [&](const Mismatch& mismatch) {
    return mismatch.kind == Kind::kMissing &&
           is_optional(std::string_view(mismatch.name).substr(prefix.size()));
  });
  return wrong;
}

void copy_matching(const Checkpoint& checkpoint, const std::string& prefix,
                   const NamedTensors& state, SourceLoc loc) {
  for (const auto& [name, tensor] : state) {
    const auto found = checkpoint.tensors.find(prefix + name);
    if (found != checkpoint.tensors.end() && found->second.shape() == tensor.shape()) {
      copy(found->second, tensor, loc);
    }
  }
}

/// Returns the details of an error about a header that is too long.
std::vector<std::string> too_long(uint64_t bytes) {
  return {"found " + std::to_string(bytes) + " bytes, at most " + std::to_string(kMaxHeaderBytes) +
          " expected"};
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const NamedTensors& tensors,
                     const std::map<std::string, std::string>& metadata, SourceLoc loc) {
  Json header = Json::object();
  if (!metadata.empty()) header[kMetadata] = metadata;
  std::string numbers;
  for (const auto& [name, tensor] : tensors) {
    if (name == kMetadata || header.contains(name)) {
      fail("save_checkpoint", "the name " + name + " is taken", {}, loc);
    }
    if (!tensor.defined()) fail("save_checkpoint", "the tensor " + name + " is undefined", {}, loc);
    const size_t begin = numbers.size();
    if (is_counter(name)) {
      for (Scalar value : tensor.to_vector()) append(numbers, static_cast<int64_t>(value));
    } else {
      numbers.append(reinterpret_cast<const char*>(tensor.data()),
                     static_cast<size_t>(tensor.numel()) * sizeof(Scalar));
    }
    header[name] = {{"dtype", is_counter(name) ? "I64" : kScalarType},
                    {"shape", std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end())},
                    {"data_offsets", {begin, numbers.size()}}};
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception& error) {
    fail(path.string(), "a name or metadata that is not UTF-8", {error.what()}, loc);
  }
  text.append((8 - text.size() % 8) % 8, ' ');  // so that the numbers begin aligned
  if (text.size() > kMaxHeaderBytes) {
    fail(path.string(), kLongHeader, too_long(text.size()), loc);
  }
  std::string bytes;
  append(bytes, static_cast<uint64_t>(text.size()));
  write_file(path, bytes + text + numbers);
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  const std::string source = path.string();
  const std::string bytes = read_file(path, kMaxFileBytes);
  uint64_t header_size = 0;
  if (bytes.size() < sizeof header_size) fail_format(source, bytes, header_size);
  std::memcpy(&header_size, bytes.data(), sizeof header_size);
  const uint64_t rest = bytes.size() - sizeof header_size;
  if (header_size > rest || bytes[8] != '{') fail_format(source, bytes, header_size);
  if (header_size > kMaxHeaderBytes) fail_file(source, kLongHeader, too_long(header_size));
  const Json header = parse_header(source, {bytes.data() + 8, header_size});
  Checkpoint checkpoint;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name != kMetadata) {
      entries.push_back(parse_entry(source, name, value));
      continue;
    }
    if (!value.is_object()) fail_file(source, "__metadata__ is not an object");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) fail_file(source, "__metadata__ holds strings only", {"key " + key});
      checkpoint.metadata[key] = text.get<std::string>();
    }
  }
  // The tensors must fill the rest of the file without a gap or an overlap.
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t expected = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != expected) {
      fail_file(
          source, "tensor \"" + entry.name + "\" overlaps another or leaves a gap",
          {"begins at " + std::to_string(entry.begin) + ", expected " + std::to_string(expected)});
    }
    expected = entry.end;
  }
  const uint64_t available = rest - header_size;
  if (expected != available) {
    fail_file(source,
              expected > available ? "truncated, or still being written"
                                   : "there are bytes that belong to no tensor",
              {"the header accounts for " + std::to_string(expected) + " bytes, the file has " +
               std::to_string(available)});
  }
  for (const Entry& entry : entries) {
    if (entry.unread.empty()) {
      checkpoint.tensors[entry.name] =
          entry.dtype->read(entry.shape, bytes.data() + 8 + header_size + entry.begin);
    } else {
      checkpoint.unread[entry.name] = entry.unread;
    }
  }
  return checkpoint;
}

std::string Mismatch::str() const {
  constexpr const char* kKinds[] = {"missing  ", "shape    ", "unread   ", "unknown  "};
  return kKinds[static_cast<int>(kind)] + name + " " + detail;
}

void restore(const Checkpoint& checkpoint, const std::string& prefix, const NamedTensors& state,
             const std::string& source, SourceLoc loc) {
  const Checkpoint current = with_step_counts(checkpoint, prefix);
  const std::vector<Mismatch> wrong = mismatches_of_file(current, prefix, state);
  if (!wrong.empty()) {
    std::vector<std::string> lines = abridged(wrong);
    const bool none_found =
        std::all_of(wrong.begin(), wrong.end(),
                    [](const Mismatch& mismatch) { return mismatch.kind == Kind::kMissing; }) &&
        wrong.size() == state.size();
    if (none_found && !current.tensors.empty()) {
      lines.push_back("the file's first name is " + current.tensors.begin()->first);
    }
    fail(source, "a checkpoint of another architecture", lines, loc);
  }
  copy_matching(current, prefix, state, loc);
}

std::vector<Mismatch> restore_matching(const Checkpoint& checkpoint, const std::string& prefix,
                                       const NamedTensors& state, SourceLoc loc) {
  const Checkpoint current = with_step_counts(checkpoint, prefix);
  copy_matching(current, prefix, state, loc);
  return mismatches_of_file(current, prefix, state);
}

std::vector<StatePair> paired_state(const char* op, const Module& from, const Module& into,
                                    SourceLoc loc) {
  const NamedTensors source = from.state(), state = into.state();
  const Checkpoint all = {{source.begin(), source.end()}, {}};
  if (const auto wrong = mismatches(all, "", state, true); !wrong.empty()) {
    fail(op, "the modules differ in architecture", abridged(wrong), loc);
  }
  const std::map<std::string, Tensor> namesakes(state.begin(), state.end());
  std::vector<StatePair> pairs;
  for (const auto& [name, tensor] : source) pairs.push_back({name, tensor, namesakes.at(name)});
  return pairs;
}

void copy_state(const Module& from, const Module& into, SourceLoc loc) {
  for (const auto& pair : paired_state("copy_state", from, into, loc)) {
    copy(pair.from, pair.into, loc);
  }
}

}  // namespace forger::nn
