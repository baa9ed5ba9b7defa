#include "nn/state.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "autograd/error.h"
#include "nn/file.h"

namespace forger::nn {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

using Json = nlohmann::json;

constexpr uint64_t kMaxHeaderBytes = 4 << 20;  // some 30,000 tensors; the format allows 100 MB
constexpr uint64_t kMaxFileBytes = uint64_t{8} << 30;
constexpr const char* kMetadata = "__metadata__";
constexpr const char* kScalarType = sizeof(Scalar) == 4 ? "F32" : "F64";

/// PyTorch keeps this counter of batch norm as an integer.
bool is_counter(const std::string& name) { return name.ends_with("num_batches_tracked"); }

[[noreturn]] void fail_file(const std::string& source, const std::string& what,
                            const std::vector<std::string>& details = {}) {
  fail(source, what, details, {});
}

template <class Element>
void append(std::string& bytes, Element value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// Parses the header. A key given twice is refused: readers differ in which one they believe.
Json parse_header(const std::string& source, std::string_view text) {
  // The parser takes a zero byte for the end, and would let anything hide behind it.
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

/// A non-negative integer of the header, or fails naming the field.
uint64_t natural(const std::string& source, const std::string& field, const Json& value) {
  if (!value.is_number_unsigned()) {
    fail_file(source, "a natural number expected", {field + " is " + value.dump()});
  }
  return value.get<uint64_t>();
}

struct Entry {
  std::string name;
  Shape shape;
  std::string type;
  uint64_t begin, end;
};

Entry parse_entry(const std::string& source, const std::string& name, const Json& json) {
  const std::string tensor = "tensor \"" + name + "\"";
  if (!json.is_object() || json.size() != 3 || !json.contains("dtype") || !json.contains("shape") ||
      !json.contains("data_offsets") || !json["dtype"].is_string() || !json["shape"].is_array() ||
      !json["data_offsets"].is_array() || json["data_offsets"].size() != 2) {
    fail_file(source, tensor + ": dtype, shape and two data_offsets expected", {json.dump()});
  }
  Entry entry{
      .name = name, .shape = {}, .type = json["dtype"].get<std::string>(), .begin = 0, .end = 0};
  const uint64_t width = entry.type == "F32"                          ? 4
                         : entry.type == "F64" || entry.type == "I64" ? 8
                                                                      : 0;
  if (width == 0) {
    fail_file(source, tensor + ": unsupported dtype",
              {"found " + entry.type + ", expected F32, F64 or I64"});
  }
  const Json& extents = json["shape"];
  if (extents.size() > Shape::kMaxRank) {
    fail_file(source, tensor + ": more than 4 axes",
              {"found " + std::to_string(extents.size()) + " axes"});
  }
  int64_t shape[Shape::kMaxRank];
  for (size_t axis = 0; axis < extents.size(); ++axis) {
    const uint64_t extent = natural(source, tensor + ": shape", extents[axis]);
    if (extent > INT64_MAX) fail_file(source, tensor + ": extent too large");
    shape[axis] = static_cast<int64_t>(extent);
  }
  try {
    entry.shape = Shape(shape, static_cast<int>(extents.size()), {});
  } catch (const Error& error) {
    fail_file(source, tensor + ": " + error.what());
  }
  entry.begin = natural(source, tensor + ": data_offsets", json["data_offsets"][0]);
  entry.end = natural(source, tensor + ": data_offsets", json["data_offsets"][1]);
  const uint64_t bytes = static_cast<uint64_t>(entry.shape.numel()) * width;
  if (entry.end < entry.begin || entry.end - entry.begin != bytes) {
    fail_file(
        source, tensor + ": data_offsets do not fit dtype and shape",
        {"found [" + std::to_string(entry.begin) + ", " + std::to_string(entry.end) + "), " +
         entry.type + " " + entry.shape.str() + " takes " + std::to_string(bytes) + " bytes"});
  }
  return entry;
}

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

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const NamedTensors& tensors,
                     const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header[kMetadata] = metadata;
  std::string numbers;
  for (const auto& [name, tensor] : tensors) {
    if (name == kMetadata || header.contains(name)) {
      throw Error("save_checkpoint: the name " + name + " is taken");
    }
    if (!tensor.defined()) throw Error("save_checkpoint: the tensor " + name + " is undefined");
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
    fail_file(path.string(), "a name or metadata that is not UTF-8", {error.what()});
  }
  text.append((8 - text.size() % 8) % 8, ' ');  // so that the numbers begin aligned
  std::string bytes;
  append(bytes, static_cast<uint64_t>(text.size()));
  write_file(path, bytes + text + numbers);
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  const std::string source = path.string();
  const std::string bytes = read_file(path, kMaxFileBytes);
  uint64_t header_size = 0;
  if (bytes.size() < sizeof header_size) {
    fail_file(source, "not a safetensors file: shorter than its header's length field",
              {"found " + std::to_string(bytes.size()) + " bytes"});
  }
  std::memcpy(&header_size, bytes.data(), sizeof header_size);
  const uint64_t rest = bytes.size() - sizeof header_size;
  if (header_size > kMaxHeaderBytes || header_size > rest || bytes[8] != '{') {
    fail_file(source, "not a safetensors file, or a truncated one",
              {"the first 8 bytes give a header of " + std::to_string(header_size) + " bytes, " +
               std::to_string(rest) + " follow"});
  }
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
  // The tensors fill the rest of the file without a gap: nothing can hide in it.
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
    fail_file(source, "truncated, or with bytes that belong to no tensor",
              {"the header accounts for " + std::to_string(expected) + " bytes, the file has " +
               std::to_string(available)});
  }
  for (const Entry& entry : entries) {
    const char* data = bytes.data() + 8 + header_size + entry.begin;
    checkpoint.tensors[entry.name] = entry.type == "F32" ? read_tensor<float>(entry.shape, data)
                                     : entry.type == "F64"
                                         ? read_tensor<double>(entry.shape, data)
                                         : read_tensor<int64_t>(entry.shape, data);
  }
  return checkpoint;
}

void restore(const Checkpoint& checkpoint, const std::string& prefix, const NamedTensors& state,
             const std::string& source) {
  std::vector<std::string> wrong;
  std::set<std::string> expected;
  for (const auto& [name, tensor] : state) {
    expected.insert(prefix + name);
    const auto found = checkpoint.tensors.find(prefix + name);
    if (found == checkpoint.tensors.end()) {
      wrong.push_back("missing  " + prefix + name + " " + tensor.shape().str());
    } else if (!(found->second.shape() == tensor.shape())) {
      wrong.push_back("shape    " + prefix + name + " is " + found->second.shape().str() +
                      ", expected " + tensor.shape().str());
    }
  }
  for (const auto& [name, tensor] : checkpoint.tensors) {
    if (!prefix.empty() && name.starts_with(prefix) && !expected.contains(name)) {
      wrong.push_back("unknown  " + name + " " + tensor.shape().str());
    }
  }
  constexpr size_t kShown = 6;
  if (!wrong.empty()) {
    const size_t more = wrong.size() > kShown ? wrong.size() - kShown : 0;
    wrong.resize(wrong.size() - more);
    if (more > 0) wrong.push_back("and " + std::to_string(more) + " more");
    fail_file(source, "a checkpoint of another architecture", wrong);
  }
  for (const auto& [name, tensor] : state) {
    const Tensor& from = checkpoint.tensors.at(prefix + name);
    std::copy_n(from.data(), from.numel(), tensor.mutable_data());
  }
}

NamedTensors with_prefix(const std::string& prefix, NamedTensors tensors) {
  for (auto& [name, tensor] : tensors) name.insert(0, prefix);
  return tensors;
}

}  // namespace forger::nn
