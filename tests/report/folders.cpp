// Writes the run folders whose reports tests/report/check.mjs opens in a browser:
//
//     forger_report_folders FOLDER
//
// FOLDER/default is like a default run; the others are unusual in one way each.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "nn/file.h"
#include "report_run.h"
#include "tutorials/common/report_page.h"

namespace forger {
namespace {

namespace fs = std::filesystem;

void write_grids(const fs::path& run, int64_t last_step, int64_t every, bool alike = false) {
  for (int64_t step = 0; step <= last_step; step += every) {
    write_grid(run, step, grid_png(static_cast<uint64_t>(step), alike, 3));
  }
}

void write_run(const fs::path& run, const std::string& metrics, const std::string& settings) {
  nn::make_folder(run);
  nn::write_file(run / "metrics.csv", metrics);
  nn::write_file(run / "run.json", settings);
}

void write_folders(const fs::path& folder) {
  write_run(folder / "default", metrics_text(3748), kRunJson);
  write_grids(folder / "default", 3700, 100);
  tutorials::write_report_page(folder / "default", report_text());

  // Every warning sign, and values that are not finite.
  const fs::path sick = folder / "sick";
  write_run(sick,
            metrics_text(2000,
                         [](int64_t step, MetricsRow& row) {
                           if (step > 600 && step < 900) row = {0.001, 9, 0.999, 0.001};
                           if (step > 1200 && step < 1400) row.d_x = row.d_g_z = 0;
                           if (step == 1900) row.loss_g = std::numeric_limits<double>::quiet_NaN();
                         }),
            kRunJson);
  write_grids(sick, 2000, 100, true);
  tutorials::write_report_page(sick, report_text());

  write_run(folder / "long", metrics_text(100'000), kRunJson);
  write_grids(folder / "long", 100'000, 1000);
  tutorials::write_report_page(folder / "long", report_text());

  // Text that would end a script or become an element, if the page let it.
  const std::string hostile =
      "</script><img src='http://forger.invalid/x' onerror=alert(1)><!--\xff";
  const std::string words = "a_name_without_any_place_to_break_the_line_";
  write_run(
      folder / "hostile", metrics_text(200),
      nlohmann::json(
          {{"options",
            {{"data", "/home/" + hostile.substr(0, hostile.size() - 1)},
             {words, words + words + words + words},
             {"steps", "many"}}},
           {"forks",
            {1, {{"run", hostile.substr(0, hostile.size() - 1)}, {"step", 50}, {"changes", 7}}}},
           {"list", {1, 2, 3}},
           {"nothing", nullptr}})
          .dump());
  write_grids(folder / "hostile", 200, 100);
  tutorials::ReportText text = report_text();
  text.title = hostile + words + words;
  text.curves[0].how_to_read = hostile;
  text.curves[1].label = hostile;
  text.curves[2].chart = hostile;
  tutorials::write_report_page(folder / "hostile", text);

  // A fork of a fork, on points in the plane instead of images.
  nlohmann::json forked = nlohmann::json::parse(kRunJson);
  forked["forks"] = {
      {{"run", "/home/a/out/gan"}, {"step", 300}, {"changes", nlohmann::json::object()}},
      {{"run", "/home/a/out/other"},
       {"step", 1200},
       {"changes",
        {{"lr", {{"before", "0.0002"}, {"after", "0.001"}}},
         {"loss", {{"before", "zero-sum"}, {"after", "non-saturating"}}}}}}};
  write_run(folder / "forked", metrics_text(2000), forked.dump());
  write_grids(folder / "forked", 2000, 100);
  tutorials::ReportText plane = report_text();
  plane.sample_columns = 0;
  tutorials::write_report_page(folder / "forked", plane);

  // A run that has just begun, and a folder that lost its files.
  write_run(folder / "begun", metrics_text(1), kRunJson);
  write_grids(folder / "begun", 0, 1);
  tutorials::write_report_page(folder / "begun", report_text());
  nn::make_folder(folder / "empty");
  tutorials::write_report_page(folder / "empty", report_text());
}

}  // namespace
}  // namespace forger

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: forger_report_folders FOLDER\n");
    return 2;
  }
  forger::write_folders(argv[1]);
  return 0;
}
