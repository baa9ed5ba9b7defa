#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "nn/data/image.h"
#include "nn/file.h"
#include "nn/state.h"
#include "subprocess.h"
#include "temp_folder.h"

/// Helpers for the tests of the chapters' programs: run one, create small data, examine its output.
namespace forger {

namespace fs = std::filesystem;

using Words = std::vector<std::string>;

inline constexpr uint64_t kAnySize = 1 << 30;

struct Result {
  int status;
  std::string out, err;
};

inline Result run_program(const char* program, const TempFolder& folder, const Words& words,
                          Subprocess::Options options = {}) {
  Subprocess process(program, words, folder.path(), options);
  const int status = process.wait();
  return {status, without_folder(process.out(), folder), without_folder(process.err(), folder)};
}

/// Runs a program, checks that it succeeds, and returns its output.
inline std::string run_program_ok(const char* program, const TempFolder& folder,
                                  const Words& words) {
  const Result result = run_program(program, folder, words);
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(result.err == "");
  return result.out;
}

inline Result dcgan(const TempFolder& folder, const Words& words,
                    Subprocess::Options options = {}) {
  return run_program(FORGER_DCGAN, folder, words, options);
}
inline std::string dcgan_ok(const TempFolder& folder, const Words& words) {
  return run_program_ok(FORGER_DCGAN, folder, words);
}

inline Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline Words words(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), std::istream_iterator<std::string>()};
}

inline std::string contents(const fs::path& path) { return nn::read_file(path, kAnySize); }

/// Every file of a run by its path within the run, but .lock, run.json, which names its own call,
/// and report.html, which shows it.
inline std::map<std::string, std::string> files_of(const fs::path& run) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    const std::string name = entry.path().lexically_relative(run).string();
    std::error_code unreadable;  // a link in a circle
    if (entry.is_regular_file(unreadable) && name != "run.json" && name != ".lock" &&
        name != "report.html") {
      files[name] = contents(entry.path());
    }
  }
  return files;
}

inline std::set<std::string> names_of(const fs::path& run) {
  std::set<std::string> names;
  for (const auto& [name, bytes] : files_of(run)) names.insert(name);
  return names;
}

/// Checks file by file, so that a failure names the one that differs.
inline void check_same_files(const fs::path& a, const fs::path& b) {
  auto of_a = files_of(a), of_b = files_of(b);
  CHECK(names_of(a) == names_of(b));
  for (const auto& file : of_a) {
    CAPTURE(file.first);
    const bool same =
        of_b[file.first] == file.second;  // outside of CHECK, which would print the bytes
    CHECK(same);
  }
}

inline std::vector<std::vector<double>> rows_of(const fs::path& csv, std::string& header) {
  std::istringstream lines(contents(csv));
  std::getline(lines, header);
  std::vector<std::vector<double>> rows;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream cells(line);
    rows.emplace_back();
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(std::stod(cell));
  }
  return rows;
}

/// Reads the number that follows after these words in an output.
inline double number_after(const std::string& text, const std::string& words) {
  const size_t at = text.find(words);
  REQUIRE(at != std::string::npos);
  return std::stod(text.substr(at + words.size()));
}

inline nn::Image read_png(const fs::path& path, int64_t channels) {
  return nn::decode_image(contents(path), channels, path.string());
}

/// Returns the number of different pixel values of an image.
inline size_t levels_of(const nn::Image& image) {
  return std::set<uint8_t>(image.pixels.begin(), image.pixels.end()).size();
}

/// Some small pictures: bright squares at places and in colours that vary.
inline void make_pictures(const fs::path& folder, int count, int64_t channels, int64_t side = 20) {
  nn::make_folder(folder);
  for (int i = 0; i < count; ++i) {
    nn::Image image{.width = side, .height = side, .channels = channels, .pixels = {}};
    image.pixels.assign(static_cast<size_t>(side * side * channels), 10);
    for (int64_t y = 4; y < side - 4; ++y) {
      for (int64_t x = 2 + i % 4; x < side / 2 + i % 7; ++x) {
        for (int64_t c = 0; c < channels; ++c) {
          image.pixels[static_cast<size_t>((y * side + x) * channels + c)] =
              static_cast<uint8_t>(250 - 60 * c - i % 40);
        }
      }
    }
    nn::write_png(folder / ("picture" + std::to_string(i) + ".png"), image);
  }
}

/// The smallest networks on the smallest images.
inline const Words kTiny = words("--image-size 16 --features 2 --latent 4 --batch-size 8");

/// A run of a few steps of kTiny on pictures of one's own, in DIR/run.
inline void make_tiny_run(const TempFolder& folder, const std::string& options = "--steps 2") {
  make_pictures(folder / "pictures", 16, 1);
  dcgan_ok(folder, words("--data pictures --channels 1 --out run " + options) + kTiny);
}

/// The checkpoint of DIR/run with a change made to its metadata, as DIR/name.
inline void change_metadata(const TempFolder& folder, const std::string& name,
                            const std::string& key, const std::string& value) {
  nn::Checkpoint checkpoint = nn::load_checkpoint(folder / "run/checkpoint.safetensors");
  if (value.empty()) {
    checkpoint.metadata.erase(key);
  } else {
    checkpoint.metadata[key] = value;
  }
  const nn::NamedTensors tensors(checkpoint.tensors.begin(), checkpoint.tensors.end());
  nn::save_checkpoint(folder / name, tensors, checkpoint.metadata);
}

/// Waits, without a time limit, until a run has written this many rows of its metrics.
inline void wait_for_rows(Subprocess& process, const fs::path& csv, int rows) {
  while (process.running()) {
    std::error_code missing;
    if (fs::exists(csv, missing)) {
      const std::string text = contents(csv);
      if (std::count(text.begin(), text.end(), '\n') > rows) return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  FAIL("the run ended before it had written the rows: " << process.err());
}

}  // namespace forger
