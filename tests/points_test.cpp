// Tests nn/data/points.h: tables as spreadsheets and Python write them, and what is no such table.
#include "nn/data/points.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "autograd/random.h"
#include "message.h"
#include "nn/data/toy2d.h"
#include "temp_folder.h"

namespace forger {
namespace {

using namespace nn;
using namespace std::string_literals;

/// Writes without the fsync of write_file(), which is slow. So is replacing the text of a file.
void write_text(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary) << text;
}

Tensor points_of(const TempFolder& folder, const std::string& text) {
  write_text(folder / "a.csv", text);
  return read_points(folder / "a.csv");
}

std::string error_of(const TempFolder& folder, const std::string& text) {
  return without_folder(text_of([&] { points_of(folder, text); }), folder);
}

}  // namespace

TEST_CASE("points are read as spreadsheets and Python write them") {
  const TempFolder folder;
  const std::vector<Scalar> expected = {1.5f, -2, 0.25f, 300};
  for (const std::string& text : {
           "1.5,-2\n0.25,300\n"s,
           "\xef\xbb\xbf+1.5,-2\n0.25,300"s,              // a byte order mark, no last line break
           "x,y\n1.5,-2\n0.25,300\n"s,                    // a header
           "\xef\xbb\xbfx;y\r\n1.5;-2\r\n0.25;300\r\n"s,  // Excel in half of Europe
           "\"x\",\"y\"\n\"1.5\",\"-2\"\n\"0.25\",\"300\"\n"s,    // all in quotes
           "1.5\t-2\r0.25\t300\r"s,                               // an old Macintosh
           "\n\n x , y \n\n  1.5 ,  -2\t\n   \n0.25 , 300\n\n"s,  // blanks and blank lines
           "1.500000000000000000e+00 -2.000000000000000000e+00\n2.5e-01   3.0E2\n"s,  // NumPy
           "# x y\n1.5 -2\n# the other\n0.25 300\n"s,                                 // a comment
           "name of x\tname of y\n+1.5,-2.\n.25,+300\n"s,  // a header with another separator
           "x,inflation\n1.5,-2\n0.25,300\n"s,
       }) {
    CAPTURE(text);
    const Tensor points = points_of(folder, text);
    CHECK(points.shape() == Shape{2, 2});
    CHECK(points.to_vector() == expected);
  }
}

TEST_CASE("a table that has no points is an error with its line, what was found and expected") {
  const TempFolder folder;
  struct Case {
    std::string text, error;
  };
  const std::string many(100, '7');
  for (
      const Case& bad : std::vector<Case>{
          {"", "DIR/a.csv: an empty file\n  expected 2 columns, x and y, and at least 2 points"},
          {"\n \n", "DIR/a.csv: too few points\n  found    0\n  expected at least 2"},
          {"x,y\n", "DIR/a.csv: too few points\n  found    0\n  expected at least 2"},
          {"x,y\n1,2\n", "DIR/a.csv: too few points\n  found    1\n  expected at least 2"},
          {"1,2\n1,2\n1,2\n",
           "DIR/a.csv: all points are equal\n  found    3 times the same\n"
           "  expected at least 2 that differ"},
          {"1,2\n3,4,5\n", "DIR/a.csv:2: 3 columns\n  found    3,4,5\n  expected 2: x and y"},
          {",x,y\n0,1,2\n", "DIR/a.csv:1: 3 columns\n  found    ,x,y\n  expected 2: x and y"},
          {"1,2\r\n\r\n3\r\n", "DIR/a.csv:3: one column\n  found    3\n  expected 2: x and y"},
          {"1,2\r\r3 4\r", "DIR/a.csv:3: one column\n  found    3 4\n  expected 2: x and y"},
          {"1,2\n3,\n",
           "DIR/a.csv:2: not a number\n  found    nothing\n"
           "  expected a number such as -1.5 or 2e-3"},
          {"1,2\nx,y\n",
           "DIR/a.csv:2: not a number\n  found    x\n  expected a number such as -1.5 or 2e-3"},
          {"1x,2\n3,4\n",
           "DIR/a.csv:1: not a number\n  found    1x\n  expected a number such as -1.5 or 2e-3"},
          {"0x10,2\n3,4\n",
           "DIR/a.csv:1: not a number\n  found    0x10\n  expected a number such as -1.5 or 2e-3"},
          {"1,2\n3,1e\n",
           "DIR/a.csv:2: not a number\n  found    1e\n  expected a number such as -1.5 or 2e-3"},
          {"1;2\n1.234,5;6\n",
           "DIR/a.csv:2: not a number\n  found    1.234,5\n"
           "  expected a number such as -1.5 or 2e-3"},
          {"1,2\n" + std::string(600, '\n') + "3,a\x01\xff\n",  // beyond the first bytes
           "DIR/a.csv:602: not a number\n  found    a\\x01\\xff\n"
           "  expected a number such as -1.5 or 2e-3"},
          {"x;y\n1,5;2\n",
           "DIR/a.csv:2: a decimal comma\n  found    1,5\n  expected a decimal point, such as 1.5"},
          {"-,5\t2\n3\t4\n",
           "DIR/a.csv:1: a decimal comma\n  found    -,5\n  expected a decimal point, such as 1.5"},
          {"1,5,2,5\n",
           "DIR/a.csv:1: 4 columns\n  found    1,5,2,5\n"
           "  expected 2: x and y, with decimal points instead of commas"},
          {"1,nan\n3,4\n", "DIR/a.csv:1: not a finite number\n  found    nan\n  expected a number"},
          {"1,2\n-Infinity,4\n",
           "DIR/a.csv:2: not a finite number\n  found    -Infinity\n  expected a number"},
          {"1,2\n3,1e400\n",
           "DIR/a.csv:2: out of range\n  found    1e400\n  expected at most 1e12 on either side of "
           "0"},
          {"-1000000000001,2\n3,4\n",
           "DIR/a.csv:1: out of range\n  found    -1000000000001\n"
           "  expected at most 1e12 on either side of 0"},
          {"1,2\n3," + many + "\n", "DIR/a.csv:2: out of range\n  found    " + many.substr(40) +
                                        "...\n  expected at most 1e12 on either side of 0"},
          {"4500000.1,0\n4500000.2,0\n",
           "DIR/a.csv: the points are too close together for 32-bit numbers\n"
           "  found    0.05, the root of the mean square distance from their mean\n"
           "  expected at least 450"},
          {"1e-14,0\n0,1e-14\n",
           "DIR/a.csv: the points are too close together for 32-bit numbers\n"
           "  found    7.07e-15, the root of the mean square distance from their mean\n"
           "  expected at least 1e-12"},
          {"\x89PNG\r\n\x1a\n...",
           "DIR/a.csv: not a table of points\n  found    a PNG image\n  expected text"},
          {"PK\x03\x04 a workbook of Excel",
           "DIR/a.csv: not a table of points\n  found    a zip archive\n  expected text"},
          {"\xff\xfe"
           "1\0,\0"s,
           "DIR/a.csv: not a table of points\n  found    UTF-16 text\n  expected UTF-8 text"},
          {"1,2\n\0\0\0"s,
           "DIR/a.csv: not a table of points\n  found    an unknown format\n  expected text"},
      }) {
    CAPTURE(bad.text);
    CHECK(error_of(folder, bad.text) == bad.error);
  }
}

TEST_CASE("points come from a regular file of bounded size") {
  const TempFolder folder;
  CHECK(without_folder(text_of([&] { read_points(folder.path()); }), folder) ==
        "DIR: not a regular file\n  it is a folder");
  CHECK(without_folder(text_of([&] { read_points(folder / "b.csv"); }), folder) ==
        "DIR/b.csv: cannot be read\n  open: No such file or directory");
  write_text(folder / "a.csv", "1,2\n");
  std::filesystem::resize_file(folder / "a.csv", (64 << 20) + 1);
  CHECK(without_folder(text_of([&] { read_points(folder / "a.csv"); }), folder) ==
        "DIR/a.csv: too large\n  found 67108865 bytes, at most 67108864 expected");
}

TEST_CASE("random bytes and damaged tables are points or an Error") {
  const TempFolder folder;
  Random random(5);
  const std::string letters = "0123456789.,;-+eE \t\r\n\"#xn\xef\xbb\xbf";
  int read = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    if (i % 2 == 0) text = "1.5,-2\n0.25,300\n4,5\n";
    for (int64_t k = random.below(30); k > 0; --k) {
      const char letter = letters[static_cast<size_t>(random.below(int64_t(letters.size())))];
      text.insert(static_cast<size_t>(random.below(int64_t(text.size()) + 1)), 1, letter);
    }
    const std::string name = (folder / "b.csv").string();
    write_text(name, text);
    CAPTURE(text);
    try {
      const Tensor points = read_points(name);
      CHECK(points.shape()[0] >= 2);
      for (const Scalar value : points.to_vector()) CHECK(std::isfinite(value));
      ++read;
    } catch (const Error& error) {
      CHECK(std::string(error.what()).starts_with(name));
    }
  }
  CHECK(read > 20);
  CHECK(read < 2980);
}

TEST_CASE("fit_frame gives variances that add up to 2, and restore() takes the points back") {
  Random random(3);
  Tensor points = gaussian2d(20000, random, {300, -70}, {900, 300, 2500});
  const PlaneFrame frame = fit_frame(points);
  CHECK(frame.centre[0] == doctest::Approx(300).epsilon(0.01));
  CHECK(frame.centre[1] == doctest::Approx(-70).epsilon(0.02));
  CHECK(frame.scale == doctest::Approx(std::sqrt(1700)).epsilon(0.02));
  const Tensor normal = frame.normalise(points);
  double mean[2] = {}, square = 0;
  for (int64_t i = 0; i < 20000; ++i) {
    for (int64_t k = 0; k < 2; ++k) {
      mean[k] += normal.at({i, k}) / 20000;
      square += normal.at({i, k}) * normal.at({i, k}) / 20000;
    }
  }
  CHECK(std::abs(mean[0]) < 1e-6);
  CHECK(std::abs(mean[1]) < 1e-6);
  CHECK(square == doctest::Approx(2));
  const Tensor back = frame.restore(normal);
  for (int64_t i = 0; i < 40000; ++i) {
    CHECK(std::abs(back.data()[i] - points.data()[i]) < 1e-4);
  }
  // 3.0 deviations of the wider axis hold more than 99 %: 1.25 x 2.57 x 50 / 41.2 = 3.9
  CHECK(fit_half_width(normal) == doctest::Approx(3.9).epsilon(0.05));
}

TEST_CASE("a frame needs two different points in the plane, all finite") {
  CHECK(message_of([] {
          fit_frame(Tensor::zeros({3, 2}));
        }) == "fit_frame: there must be two different points\n  found    [3, 2]");
  CHECK(message_of([] {
          fit_half_width(Tensor::zeros({0, 2}));
        }) == "fit_half_width: there must be two different points\n  found    [0, 2]");
  CHECK(message_of([] { fit_frame(Tensor::zeros({3})); }) ==
        "fit_frame: these are no points in the plane\n  found    [3]\n  expected [n, 2]");
  CHECK(message_of([] {
          fit_frame(Tensor::full({3, 2}, NAN));
        }) == "fit_frame: a point is not finite");
  CHECK(message_of([] {
          PlaneFrame{{0, 0}, 1}.normalise(Tensor::zeros({2, 3}));
        }) == "normalise: these are no points in the plane\n  found    [2, 3]\n  expected [n, 2]");
  // of 200 points, 199 are in the middle
  Tensor points = Tensor::zeros({200, 2});
  points.mutable_data()[7] = 2;
  CHECK(fit_half_width(points) == 2.5);
}

}  // namespace forger
