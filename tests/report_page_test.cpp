// Tests the report page of a run: what it shows, what it leaves out, and the warning signs. How a
// browser shows it is tested by tests/report/run.
#include "tutorials/common/report_page.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "message.h"
#include "nn/data/image.h"
#include "nn/file.h"
#include "report_run.h"
#include "temp_folder.h"
#include "tutorials/common/metrics_table.h"
#include "tutorials/common/sample_grids.h"
#include "tutorials/common/warning_signs.h"

namespace forger {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using tutorials::MetricsTable;
using tutorials::ReportText;
using tutorials::SampleGrid;
using tutorials::Stretch;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// How often `part` occurs in `text`.
size_t count(const std::string& text, const std::string& part) {
  size_t times = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++times;
  return times;
}

/// The data in the page, as a browser would find it: up to the first end of a script.
json data_of(const std::string& page) {
  const std::string begin = "<script type=\"application/json\" id=\"data\">";
  REQUIRE(count(page, begin) == 1);
  const size_t at = page.find(begin) + begin.size();
  return json::parse(page.substr(at, page.find("</script>", at) - at));
}
json report_data(const fs::path& run, const ReportText& text = report_text()) {
  return data_of(report_page(run, text));
}

/// Signs as text: "d-won loss_D 201-300 401-500", sorted.
std::vector<std::string> signs_of(const std::string& metrics,
                                  const std::vector<SampleGrid>& grids = {}) {
  std::vector<std::string> texts;
  for (const auto& sign :
       tutorials::warning_signs(tutorials::parse_metrics(metrics, "metrics.csv"), grids)) {
    std::string text = sign.kind + " " + sign.column;
    for (const Stretch& steps : sign.stretches) {
      text += " " + std::to_string(steps.first) + "-" + std::to_string(steps.second);
    }
    texts.push_back(text);
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}
using Signs = std::vector<std::string>;

/// A change of the rows first to last.
ChangeRow between(int64_t first, int64_t last, const std::function<void(MetricsRow&)>& change) {
  return [=](int64_t step, MetricsRow& row) {
    if (step >= first && step <= last) change(row);
  };
}

/// A table of the steps and one other column.
std::string table_of(const std::string& name, const std::vector<double>& values) {
  std::string text = "step," + name + "\n";
  for (size_t i = 0; i < values.size(); ++i) {
    text += std::to_string(i + 1) + "," + std::to_string(values[i]) + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("the report page holds a run's curves, settings and sample grids") {
  const TempFolder run;
  nn::write_file(run / "metrics.csv", metrics_text(300));
  nn::write_file(run / "run.json", kRunJson);
  const std::string first = grid_png(1), last = grid_png(2);
  write_grid(run.path(), 0, first);
  write_grid(run.path(), 300, last);

  tutorials::write_report_page(run.path(), report_text());
  const std::string page = nn::read_file(run / "report.html", 10'000'000);
  CHECK(page == tutorials::report_page(run.path(), report_text()));

  const json data = data_of(page);
  CHECK(data["title"] == "Chapter 3: DCGAN");
  CHECK(data["settings"] == json::parse(kRunJson));
  CHECK(data["notes"].empty());
  CHECK(data["signs"].empty());
  const json& metrics = data["metrics"];
  CHECK(metrics["last_step"] == 300);
  CHECK(metrics["rows_per_point"] == 1);
  CHECK(metrics["step"].size() == 300);
  CHECK(metrics["columns"].size() == 4);
  const auto table = tutorials::parse_metrics(metrics_text(300), "metrics.csv");
  for (const char* name : {"loss_D", "loss_G", "D_x", "D_G_z"}) {
    const std::vector<double> shown = metrics["columns"][name]["mean"];
    REQUIRE(shown.size() == 300);
    for (size_t i = 0; i < 300; ++i) {
      CHECK(shown[i] == doctest::Approx(table.find(name)->at(i)).epsilon(5e-5));  // five digits
    }
  }
  CHECK(data["curves"][2] == json({{"column", "D_x"},
                                   {"label", "D(x)"},
                                   {"chart", "Probabilities"},
                                   {"how_to_read", "What D gives to real images, on average."}}));
  CHECK(data["curves"][0]["label"] == "loss_D");
  REQUIRE(data["samples"].size() == 2);
  CHECK(data["samples"][1]["step"] == 300);
}

TEST_CASE("the report page is one document that refers to nothing outside of it") {
  const TempFolder run;
  nn::write_file(run / "metrics.csv", metrics_text(10));
  const std::string page = tutorials::report_page(run.path(), report_text());
  CHECK(page.starts_with("<!doctype html>"));
  for (const char* element : {"html", "head", "body", "style", "title", "main", "noscript"}) {
    CAPTURE(element);
    CHECK(count(page, "<" + std::string(element)) >= 1);
    CHECK(count(page, "</" + std::string(element) + ">") == 1);
  }
  CHECK(count(page, "<script") == 3);
  CHECK(count(page, "</script>") == 3);
  CHECK(count(page, "<link ") == 1);  // an empty icon, which a browser would ask for otherwise
  CHECK(count(page, " src=") == 0);
  CHECK(count(page, "@import") == 0);
  CHECK(count(page, "url(") == 0);
  // Each file is there, with the licence of uPlot.
  CHECK(count(page, "{{") == count(page.substr(page.find("uPlot=")), "{{"));
  CHECK(page.find("uPlot=function") != std::string::npos);
  CHECK(page.find(".uplot") != std::string::npos);
  CHECK(page.find(":root {") != std::string::npos);
  CHECK(page.find("prepareCurves();") != std::string::npos);
  CHECK(page.find("Permission is hereby granted, free of charge") != std::string::npos);
}

TEST_CASE("every warning sign has an explanation on the report page") {
  const TempFolder run;
  const std::string page = tutorials::report_page(run.path(), report_text());
  for (const char* kind : {"d-won", "d-right", "d-wrong", "all-forged", "all-real", "gradient",
                           "not-finite", "alike"}) {
    CAPTURE(kind);
    CHECK(count(page, "<template id=\"" + std::string(kind) + "\">") == 1);
  }
}

TEST_CASE("text from a run's files and from the chapter cannot leave the report's data") {
  const TempFolder run;
  const std::string hostile =
      "</script><script>alert(1)</script><!-- \" ' & \\ \xff\xfe \n{{data}}";
  nn::write_file(run / "metrics.csv", metrics_text(10));
  nn::write_file(
      run / "run.json",
      json({{"options",
             {{"data", "</script><img src=x onerror=alert(1)>"}, {"<!--<script>", "</SCRIPT >"}}}})
          .dump());
  ReportText text = report_text();
  text.title = hostile;
  text.curves[0].how_to_read = hostile;
  text.curves[0].chart = hostile;

  const std::string page = tutorials::report_page(run.path(), text);
  CHECK(count(page, "<script") == 3);
  CHECK(count(page, "</script") == 3);
  CHECK(count(page, "alert(1)<") == 0);
  CHECK(count(page, "<img src=x") == 0);
  CHECK(count(page, "\xff") == 0);
  const json data = data_of(page);
  // Bytes that are not UTF-8 become U+FFFD; the rest arrives as it was.
  const std::string shown =
      "</script><script>alert(1)</script><!-- \" ' & \\ \xef\xbf\xbd\xef\xbf\xbd \n{{data}}";
  CHECK(data["title"] == shown);
  CHECK(data["curves"][0]["how_to_read"] == shown);
  CHECK(data["settings"]["options"]["data"] == "</script><img src=x onerror=alert(1)>");
  CHECK(data["settings"]["options"]["<!--<script>"] == "</SCRIPT >");
}

TEST_CASE("a sample grid arrives byte for byte") {
  // base64 of 1, 2 and 3 bytes beyond a multiple of 3 differ in their padding.
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string png = grid_png(3);
  for (const size_t extra : {size_t{0}, size_t{1}, size_t{2}}) {
    const TempFolder run;
    const std::string bytes = png + std::string("\xff\x00\x80", 3).substr(0, extra);
    write_grid(run.path(), 5, bytes);
    const std::string text = report_data(run.path())["samples"][0]["png"];
    std::string decoded;
    uint32_t bits = 0, known = 0;
    for (const char digit : text) {
      if (digit == '=') break;
      bits = bits << 6 | static_cast<uint32_t>(alphabet.find(digit));
      known += 6;
      if (known >= 8) decoded += static_cast<char>(bits >> (known -= 8) & 255);
    }
    CHECK(text.size() % 4 == 0);
    CHECK(decoded == bytes);
  }
}

TEST_CASE("a long run is thinned, and the report keeps each extreme and the means") {
  const TempFolder run;
  nn::write_file(run / "metrics.csv",
                 metrics_text(100'000, between(54'321, 54'321, [](MetricsRow& row) {
                                row.loss_d = 77;
                                row.loss_g = -77;
                              })));
  const std::string page = tutorials::report_page(run.path(), report_text());
  CHECK(page.size() < 1'000'000);
  const json metrics = data_of(page)["metrics"];
  CHECK(metrics["last_step"] == 100'000);
  CHECK(metrics["rows_per_point"] == 25);
  CHECK(metrics["step"].size() == 4000);
  CHECK(metrics["step"][0] == 13);  // in the middle of 1 to 25
  const size_t point = 54'320 / 25;
  CHECK(metrics["columns"]["loss_D"]["high"][point] == 77);
  CHECK(metrics["columns"]["loss_G"]["low"][point] == -77);

  const auto table = tutorials::parse_metrics(metrics_text(100'000), "metrics.csv");
  const auto begin = table.find("D_x")->begin() + 50 * 25;
  CHECK(metrics["columns"]["D_x"]["mean"][50].get<double>() ==
        doctest::Approx(std::accumulate(begin, begin + 25, 0.0) / 25).epsilon(5e-5));
}

TEST_CASE("a point of a thinned curve counts finite values only") {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto thinned = tutorials::thin({1, kNaN, 3, infinity, kNaN, -infinity, 7}, 2);
  CHECK(thinned.mean[0] == 1);
  CHECK(thinned.high[1] == 3);
  CHECK(std::isnan(thinned.mean[2]));
  CHECK(std::isnan(thinned.low[2]));
  CHECK(thinned.low[3] == 7);
  CHECK(tutorials::rows_per_point(0, 4) == 1);
  CHECK(tutorials::rows_per_point(4, 4) == 1);
  CHECK(tutorials::rows_per_point(5, 4) == 2);
}

TEST_CASE("sample grids are thinned evenly, and the first and the last are kept") {
  const TempFolder run;
  const std::string png = grid_png(1);
  for (int64_t step = 0; step <= 1'200'000; step += 10'000) write_grid(run.path(), step, png);
  std::vector<int64_t> steps;
  const json samples = report_data(run.path())["samples"];
  for (const json& sample : samples) steps.push_back(sample["step"]);
  REQUIRE(steps.size() == 60);
  CHECK(steps.front() == 0);
  CHECK(steps.back() == 1'200'000);
  for (size_t i = 1; i < steps.size(); ++i) {
    CHECK(steps[i] - steps[i - 1] >= 20'000);
    CHECK(steps[i] - steps[i - 1] <= 30'000);
  }
}

TEST_CASE("large sample grids are thinned to a few MB") {
  const TempFolder run;
  const std::string png = grid_png(1) + std::string(500'000, '\xaa');
  for (int64_t step = 0; step < 40; ++step) write_grid(run.path(), step, png);
  const std::string page = tutorials::report_page(run.path(), report_text());
  CHECK(page.size() < 6'000'000);
  const json samples = data_of(page)["samples"];
  REQUIRE(samples.size() == 7);
  CHECK(samples[0]["step"] == 0);
  CHECK(samples[6]["step"] == 39);
}

TEST_CASE("other files beside the sample grids do not get into the report") {
  const TempFolder run;
  write_grid(run.path(), 100, grid_png(1));
  for (const char* name : {"step_.png", "step_12x.png", "step_000200.png.tmp", "notes.txt",
                           "step_-00001.png", "step_99999999999999999999.png"}) {
    nn::write_file(run / "samples" / name, grid_png(2));
  }
  const json data = report_data(run.path());
  CHECK(data["samples"].size() == 1);
}

TEST_CASE("the spread of a grid is the deviation over its images") {
  // Two levels, half the images each: the deviation is half their distance.
  for (const int64_t upscale : {1, 2, 3, 5, 6}) {
    for (const int64_t size : {16, 20, 24, 28, 64}) {
      CAPTURE(upscale);
      CAPTURE(size);
      const Tensor images = Tensor::zeros({64, 1, size, size});
      const int64_t pixels = size * size;
      for (int64_t i = 0; i < images.numel(); ++i) {
        images.mutable_data()[i] =
            static_cast<float>((i / pixels % 2 == 0 ? 100.0 : 160.0) / 127.5 - 1);
      }
      const nn::Image grid = nn::make_grid(images, 8, 2, upscale);
      CHECK(tutorials::grid_spread(grid, 8) == doctest::Approx(30).epsilon(1e-9));
    }
  }
  CHECK(tutorials::grid_spread(nn::decode_image(grid_png(1, true, 3), 1, ""), 8) == 0);
  CHECK(tutorials::grid_spread(nn::decode_image(grid_png(1, false, 3), 1, ""), 8) > 50);
  // Other pictures are no grid of eight columns.
  nn::Image photo{.width = 242, .height = 242, .channels = 1, .pixels = {}};
  for (int64_t i = 0; i < 242 * 242; ++i) photo.pixels.push_back(static_cast<uint8_t>(i % 251));
  CHECK(std::isnan(tutorials::grid_spread(photo, 8)));
  CHECK(std::isnan(tutorials::grid_spread(nn::decode_image(grid_png(1), 1, ""), 7)));
  CHECK(std::isnan(tutorials::grid_spread(nn::decode_image(grid_png(1), 1, ""), 0)));
}

TEST_CASE("a healthy run shows no warning sign") {
  std::vector<SampleGrid> grids;
  for (const int64_t step : {0, 50, 100, 1000}) {
    grids.push_back({step, "", step < 100 ? 0.5 : 60.0});
  }
  grids.push_back({2000, "", kNaN});  // no grid of images
  CHECK(signs_of(metrics_text(3748), grids) == Signs{});
  CHECK(signs_of(kMetricsHeader) == Signs{});
  // A Wasserstein loss is negative where the critic learns.
  CHECK(signs_of(table_of("loss_D", std::vector<double>(500, -0.001))) == Signs{});
}

TEST_CASE("loss_D near 0 for 100 steps is a warning sign") {
  const auto zero = [](MetricsRow& row) { row.loss_d = 0.009; };
  CHECK(signs_of(metrics_text(1000, between(201, 300, zero))) == Signs{"d-won loss_D 201-300"});
  CHECK(signs_of(metrics_text(1000, between(901, 1000, zero))) == Signs{"d-won loss_D 901-1000"});
  CHECK(signs_of(metrics_text(1000, between(201, 299, zero))) == Signs{});
  // Stretches close to each other are one; others are counted apart.
  const auto most = [&](int64_t step, MetricsRow& row) {
    if (step > 100 && step != 250 && (step < 500 || step > 700)) zero(row);
  };
  CHECK(signs_of(metrics_text(1000, most)) == Signs{"d-won loss_D 101-499 701-1000"});
  // Even if D has won, single steps are exceptions: up to one in ten.
  const auto nine_of_ten = [&](int64_t step, MetricsRow& row) {
    if (step > 100 && step % 10 != 5) zero(row);
  };
  CHECK(signs_of(metrics_text(1000, nine_of_ten)) == Signs{"d-won loss_D 101-1000"});
  const auto seven_of_eight = [&](int64_t step, MetricsRow& row) {
    if (step > 100 && step % 8 != 5) zero(row);
  };
  CHECK(signs_of(metrics_text(1000, seven_of_eight)) == Signs{});
}

TEST_CASE("D(x) and D(G(z)) both at 0 or 1 for 100 steps are a warning sign") {
  const auto verdicts = [](double on_real, double on_fake, int64_t last) {
    return signs_of(metrics_text(1000, between(401, last, [=](MetricsRow& row) {
                                   row.d_x = on_real;
                                   row.d_g_z = on_fake;
                                 })));
  };
  CHECK(verdicts(0.995, 0.004, 500) == Signs{"d-right D_x 401-500"});
  CHECK(verdicts(0.004, 0.995, 500) == Signs{"d-wrong D_x 401-500"});
  CHECK(verdicts(0.001, 0.002, 500) == Signs{"all-forged D_x 401-500"});
  CHECK(verdicts(1.0, 1.0, 500) == Signs{"all-real D_x 401-500"});
  CHECK(verdicts(1.0, 1.0, 499) == Signs{});
  CHECK(verdicts(0.995, 0.02, 500) == Signs{});
}

TEST_CASE("a gradient norm far above its usual value is a warning sign") {
  std::vector<double> norms;
  for (int i = 0; i < 500; ++i) norms.push_back(0.5 + 0.4 * std::sin(i));
  CHECK(signs_of(table_of("grad_norm_D", norms)) == Signs{});
  norms[399] = 200;
  norms[400] = 5000;
  CHECK(signs_of(table_of("grad_norm_D", norms)) == Signs{"gradient grad_norm_D 400-401"});
  CHECK(signs_of(table_of("other", norms)) == Signs{});
  // The first steps have no usual value yet, and a gradient of 0 is none.
  CHECK(signs_of(table_of("grad_norm_G", {0.001, 10, 0, 0, 0})) == Signs{});
  std::vector<double> dead(300, 0.0);
  dead.back() = 1;
  CHECK(signs_of(table_of("grad_norm_G", dead)) == Signs{});
}

TEST_CASE("a value that is not finite is a warning sign") {
  CHECK(signs_of(metrics_text(500, between(123, 123, [](MetricsRow& row) {
                                row.loss_g = kNaN;
                              }))) == Signs{"not-finite loss_G 123-123"});
  CHECK(signs_of(metrics_text(500, between(499, 500, [](MetricsRow& row) {
                                row.loss_d = std::numeric_limits<double>::infinity();
                              }))) == Signs{"not-finite loss_D 499-500"});
}

TEST_CASE("samples that are alike are a warning sign, from step 100 on") {
  const TempFolder run;
  nn::write_file(run / "metrics.csv", metrics_text(1000));
  for (int64_t step = 0; step <= 1000; step += 50) {
    write_grid(run.path(), step, grid_png(7, step < 150 || (step >= 600 && step <= 700), 2));
  }
  const json expected = {
      {{"kind", "alike"}, {"column", ""}, {"stretches", {{100, 100}, {600, 700}}}}};
  CHECK(report_data(run.path())["signs"] == expected);

  ReportText text = report_text();
  text.sample_columns = 0;  // the samples are no grids of images
  CHECK(report_data(run.path(), text)["signs"].empty());

  const TempFolder colour;
  write_grid(colour.path(), 100, grid_png(7, true, 2, 3));
  CHECK(report_data(colour.path())["signs"][0]["kind"] == "alike");
}

TEST_CASE("the report shows what a folder has and tells what is missing") {
  const TempFolder run;
  json data = report_data(run.path());
  CHECK(data["notes"] ==
        json({"There is no metrics.csv.", "There is no samples.", "There is no run.json."}));
  CHECK(data["metrics"].is_null());
  CHECK(data["settings"].is_null());
  CHECK(data["samples"].empty());

  // Before the first step.
  nn::write_file(run / "metrics.csv", kMetricsHeader);
  CHECK(report_data(run.path())["metrics"].is_null());

  nn::write_file(run / "metrics.csv", "epoch,loss\n1,2\n");
  nn::write_file(run / "run.json", "[1, 2]");
  write_grid(run.path(), 1, grid_png(1).substr(0, 200));
  write_grid(run.path(), 2, grid_png(1));
  data = report_data(run.path());
  CHECK(data["metrics"].is_null());
  CHECK(data["settings"].is_null());
  CHECK(data["samples"].size() == 1);
  REQUIRE(data["notes"].size() == 3);
  CHECK(without_folder(data["notes"][0], run) ==
        "DIR/metrics.csv: not a table of metrics\n  expected \"step\" as the first column");
  CHECK(without_folder(data["notes"][1], run) ==
        "DIR/samples/step_000001.png: truncated: a PNG image without its end");
  CHECK(without_folder(data["notes"][2], run) ==
        "DIR/run.json: not the settings of a run\n  expected a JSON object");

  nn::write_file(run / "run.json", "{\"a\": ");
  CHECK(without_folder(report_data(run.path())["notes"][2], run) ==
        "DIR/run.json: not the settings of a run\n  expected a JSON object");
}

TEST_CASE("only whole rows of rising steps get into the report") {
  const std::string text =
      "step,loss_D\n1,0.5\n2\n3,\n4,x\n5,1,2\n6,0.25\n6,7\n2,7\n7,nan\n8,-inf\nnan,1\n9,0.12";
  const MetricsTable table = tutorials::parse_metrics(text, "metrics.csv");
  CHECK(table.steps() == std::vector<double>{1, 6, 7, 8});
  CHECK(table.find("loss_D")->at(1) == 0.25);
  CHECK(std::isnan(table.find("loss_D")->at(2)));
  CHECK(table.find("other") == nullptr);
  CHECK(message_of([] { tutorials::parse_metrics("", "DIR/metrics.csv"); }) ==
        "DIR/metrics.csv: not a table of metrics\n  expected \"step\" as the first column");
}

TEST_CASE("a chapter may tell of columns that a run does not have") {
  const TempFolder run;
  nn::write_file(run / "metrics.csv", "step,loss_D\n1,0.5\n");
  const json data = report_data(run.path());
  CHECK(data["metrics"]["columns"].size() == 1);
  CHECK(data["curves"].size() == 4);
}

TEST_CASE("a report that cannot be written does not end the run") {
  const TempFolder run;
  tutorials::write_report_page(run / "none", report_text());
  CHECK(!fs::exists(run / "none"));
  fs::create_directory(run / "report.html");
  tutorials::write_report_page(run.path(), report_text());
  CHECK(fs::is_directory(run / "report.html"));
}

}  // namespace forger
