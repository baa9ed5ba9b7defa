// Tests the command `experiment` of a chapter as a reader runs it, on the program in chapter/.
#include "tutorials/common/experiment.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "dcgan_program.h"
#include "message.h"
#include "tutorials/common/checksum.h"
#include "tutorials/common/experiment_inputs.h"
#include "tutorials/common/experiment_result.h"

namespace forger {
namespace {

using tutorials::Experiment;
using tutorials::experiment_inputs;

constexpr const char* kFolder = "tutorials/09_lines";

/// Writes the sources that the program's experiments name.
void make_chapter(const TempFolder& folder) {
  const fs::path chapter = folder / kFolder;
  nn::make_folder(chapter / "experiments");
  for (const char* name : {"9_1_line", "9_2_infinity", "9_10_nothing"}) {
    nn::write_file(chapter / "experiments" / (std::string(name) + ".cpp"), "int x;\n");
  }
  nn::write_file(chapter / "weights", "12345");
}

Result experiment(const TempFolder& folder, const std::string& line,
                  const char* input = "/dev/null") {
  Subprocess::Options options;
  options.input = input;
  Subprocess process(FORGER_TEST_CHAPTER, Words{"experiment"} + words(line), folder.path(),
                     options);
  const int status = process.wait();
  return {status, without_folder(process.out(), folder), without_folder(process.err(), folder)};
}

/// Runs the program and checks that it succeeds.
std::string experiment_ok(const TempFolder& folder, const std::string& line) {
  const Result result = experiment(folder, line);
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(result.err == "");
  return result.out;
}

nlohmann::json read_json(const fs::path& path) { return nlohmann::json::parse(contents(path)); }

/// The text between two others, without them.
std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const size_t from = text.find(begin);
  REQUIRE(from != std::string::npos);
  const size_t start = from + begin.size();
  return text.substr(start, text.find(end, start) - start);
}

/// A pseudoterminal, on which a test types.
class Terminal {
 public:
  Terminal() : fd_(::posix_openpt(O_RDWR | O_NOCTTY)) {
    REQUIRE(fd_ >= 0);
    REQUIRE(::grantpt(fd_) == 0);
    REQUIRE(::unlockpt(fd_) == 0);
  }
  ~Terminal() { ::close(fd_); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  const char* name() const { return ::ptsname(fd_); }
  void type(const std::string& text) {
    REQUIRE(::write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }

 private:
  int fd_;
};

}  // namespace

TEST_CASE("an experiment prints the predictions with their sources before it measures") {
  const TempFolder folder;
  make_chapter(folder);
  const std::string out = experiment_ok(folder, "9.1");
  CHECK(out.starts_with("experiment  9.1  A line\ntime        about 0.5 min on two cores\n"));
  const std::string predictions =
      "predicted   slope: 0.5 +- 0.05\n            (its definition)\n"
      "predicted   worst: at most -2\n            (Euclid, book 1)\n"
      "predicted   number of parts: nothing\n            (depends on the data)\n\n";
  const size_t at = out.find(predictions);
  REQUIRE(at != std::string::npos);
  CHECK(out.substr(at + predictions.size()).starts_with("    0:00  seed 3\n    0:00  seed 4\n"));
}

TEST_CASE("an experiment prints what was measured, its range over seeds and the gap") {
  const TempFolder folder;
  make_chapter(folder);
  const std::string out = experiment_ok(folder, "9.1");
  CHECK(between(out, "seed 6\n\n", "\ndone in ") ==
        "                     predicted  measured  range over seeds     gap\n"
        "  slope            0.5 +- 0.05    0.4333        0.3 to 0.6  -0.067  not as predicted\n"
        "  worst             at most -2    -4.333          -6 to -3    -2.3      as predicted\n"
        "  number of parts      nothing         7\n"
        "\n"
        "  examples   line  curve\n"
        "  10        43.33\n"
        "  1,000      4333   0.25\n"
        "\n"
        "  spoilt set  share\n"
        "  blur         0.25\n");
  CHECK(out.find("\nwritten     out/experiments/9.1.json\n") != std::string::npos);
}

TEST_CASE("an experiment's JSON holds predictions, values, seeds, build and inputs") {
  const TempFolder folder;
  make_chapter(folder);
  experiment_ok(folder, "9.1");
  const nlohmann::json json = read_json(folder / "out/experiments/9.1.json");
  CHECK(json["experiment"] == "9.1");
  CHECK(json["title"] == "A line");
  const auto& slope = json["predictions"][0];
  CHECK(slope["quantity"] == "slope");
  CHECK(slope["relation"] == "about");
  CHECK(slope["value"] == 0.5);
  CHECK(slope["tolerance"] == 0.05);
  CHECK(slope["source"] == "its definition");
  CHECK(slope["fulfilled"] == false);
  CHECK(slope["measured"]["least"] == 0.3);
  CHECK(slope["measured"]["most"] == 0.6);
  CHECK(slope["gap"].get<double>() == doctest::Approx(-0.2 / 3));
  CHECK(json["predictions"][1]["fulfilled"] == true);
  CHECK_FALSE(json["predictions"][2].contains("gap"));
  const auto& line = json["series"][2];
  CHECK(line["quantity"] == "line");
  CHECK(line["axis"] == "examples");
  CHECK(line["points"][1]["at"] == 1000);
  CHECK(line["points"][1]["values"] == nlohmann::json({3000, 4000, 6000}));
  CHECK(json["series"][4]["points"][0]["at"] == "blur");
  const fs::path picture = folder / "out/experiments/9.1_square.png";
  const auto& pictures = json["pictures"];
  REQUIRE(pictures.size() == 2);
  CHECK(pictures[0]["file"] == "9.1_flash.gif");
  const std::string animation = contents(folder / "out/experiments/9.1_flash.gif");
  CHECK(animation.starts_with("GIF89a"));
  CHECK(pictures[0]["checksum"] == tutorials::checksum(animation));
  CHECK(pictures[1] == nlohmann::json({{"file", "9.1_square.png"},
                                       {"checksum", tutorials::checksum(contents(picture))}}));
  CHECK(read_png(picture, 1).pixels == std::vector<uint8_t>{0, 1, 2, 3});
  CHECK(json["seeds"] == nlohmann::json({3, 4, 6}));
  CHECK(json["quick"] == false);
  CHECK(json["seconds"].is_number());
  CHECK(json["threads"].is_number_integer());
  for (const char* name : {"kernels", "compiler", "commit", "wait_policy"}) {
    CAPTURE(name);
    CHECK(json[name].get<std::string>() != "");
  }
  CHECK(json["inputs"]["files"] == nlohmann::json({"tutorials/09_lines/experiments/9_1_line.cpp",
                                                   "tutorials/09_lines/weights"}));
  CHECK(json["inputs"]["checksum"].get<std::string>().size() == 16);
}

TEST_CASE("--record writes the text's result, and later runs are compared with it") {
  const TempFolder folder;
  make_chapter(folder);
  const std::string out = experiment_ok(folder, "9.1 --record");
  CHECK(out.find("written     tutorials/09_lines/results/9.1.json\n") != std::string::npos);
  CHECK_FALSE(fs::exists(folder / "out"));
  CHECK(names_of(folder / "tutorials/09_lines/results") ==
        std::set<std::string>{"9.1.json", "9.1_flash.gif", "9.1_square.png"});
  const std::string again = experiment_ok(folder, "9.1 --quick");
  CHECK(again.find("\nquick       small sizes and one seed; the numbers may differ\n") !=
        std::string::npos);
  CHECK(out.find("\nquick") == std::string::npos);
  CHECK(again.find(
            "  predicted  measured  range over seeds   gap                    in the text\n") !=
        std::string::npos);
  CHECK(again.find("-0.2  not as predicted       0.4333\n") != std::string::npos);
  CHECK(read_json(folder / "out/experiments/9.1.json")["seeds"] == nlohmann::json({3}));
  CHECK(read_json(folder / "out/experiments/9.1.json")["quick"] == true);
}

TEST_CASE("without a number the experiments are listed with the state of their results") {
  const TempFolder folder;
  make_chapter(folder);
  experiment_ok(folder, "9.1 --record");
  const auto state = [&] { return between(experiment_ok(folder, ""), "9.1         0.5  ", "  A"); };
  CHECK(experiment_ok(folder, "") ==
        "  number  minutes   result  title\n"
        "  9.1         0.5  current  A line\n"
        "  9.2         0.5  missing  A line\n"
        "  9.10        0.5  missing  A line\n");
  nn::write_file(folder / "tutorials/09_lines/experiments/9_1_line.cpp", "int y;\n");
  CHECK(state() == "outdated");
  nn::write_file(folder / "tutorials/09_lines/experiments/9_1_line.cpp", "int x;  // a comment\n");
  CHECK(state() == "current");
  nn::write_file(folder / "tutorials/09_lines/weights", "1234");
  CHECK(state() == "outdated");
  const std::string whole = contents(folder / "tutorials/09_lines/results/9.1.json");
  nn::write_file(folder / "tutorials/09_lines/results/9.1.json", whole.substr(0, 900));
  CHECK(state() == "missing");
}

TEST_CASE("a reader of the output that ends does not cost the result") {
  const TempFolder folder;
  make_chapter(folder);
  Subprocess::Options options;
  options.unread = true;
  Subprocess process(FORGER_TEST_CHAPTER, words("experiment 9.1"), folder.path(), options);
  CHECK(process.wait() == 1);
  CHECK(process.err() == "standard output: cannot be written\n  Broken pipe\n");
  CHECK(read_json(folder / "out/experiments/9.1.json")["experiment"] == "9.1");
}

TEST_CASE("--predict takes the reader's number and prints its gap") {
  const TempFolder folder;
  make_chapter(folder);
  const std::string out = experiment_ok(folder, "9.1 --predict -0.5");
  CHECK(out.find("\nyou predicted -0.5: the gap is +0.93\n") != std::string::npos);
  CHECK(read_json(folder / "out/experiments/9.1.json")["reader"] == -0.5);
  CHECK(experiment_ok(folder, "9.1").find("you predicted") == std::string::npos);
}

TEST_CASE("--predict without a number asks on a terminal, before it shows the text's prediction") {
  const TempFolder folder;
  make_chapter(folder);
  Terminal terminal;
  const std::string name = terminal.name();
  Subprocess::Options options;
  options.input = name.c_str();
  Subprocess process(FORGER_TEST_CHAPTER, words("experiment 9.1 --predict"), folder.path(),
                     options);
  terminal.type("much\n1\n");
  CHECK(process.wait() == 0);
  CHECK(
      process.out().starts_with("Your prediction for the slope: --predict: not such a number\n"
                                "  found    much\n  expected a number\n"
                                "Your prediction for the slope: experiment  9.1  A line\n"));
  CHECK(process.out().find("\nyou predicted 1: the gap is -0.57\n") != std::string::npos);

  Subprocess ended(FORGER_TEST_CHAPTER, words("experiment 9.1 --predict"), folder.path(), options);
  terminal.type("\x04");  // the end of the input
  CHECK(ended.wait() == 2);
  CHECK(ended.err() ==
        "--predict: no number was typed\n  found    the end of the input\n"
        "  expected --predict NUMBER\n");
}

TEST_CASE("wrong calls of an experiment exit with status 2 and the exact message") {
  const TempFolder folder;
  make_chapter(folder);
  struct Case {
    const char* line;
    const char* message;
  };
  const Case cases[] = {
      {"9.3",
       "experiment: no such experiment in this chapter\n  found    9.3\n"
       "  expected 9.1, 9.2, 9.10\n"},
      {"much",
       "experiment: no such experiment in this chapter\n  found    much\n"
       "  expected 9.1, 9.2, 9.10\n"},
      {"-1",
       "experiment: no such experiment in this chapter\n  found    -1\n"
       "  expected 9.1, 9.2, 9.10\n"},
      {"9.1 9.2",
       "9.2: not expected here\n  found    9.2\n  expected a command (experiment) as the first "
       "word, and options, which begin with --\n"},
      {"9.1 --predict much",
       "--predict: not such a number\n  found    much\n  expected a number\n"},
      {"9.1 --predict=0,5", "--predict: not such a number\n  found    0,5\n  expected a number\n"},
      {"9.1 --predict nan", "--predict: out of range\n  found    nan\n  expected a number\n"},
      {"9.1 --predict inf", "--predict: out of range\n  found    inf\n  expected a number\n"},
      {"9.1 --predict",
       "--predict: no number is given, and standard input is not a terminal\n"
       "  found    nothing\n  expected --predict NUMBER\n"},
      {"9.1 --predict --quick",
       "--predict: no number is given, and standard input is not a terminal\n"
       "  found    nothing\n  expected --predict NUMBER\n"},
      {"--predict 9.1",
       "experiment: a number is missing\n  found    --predict\n  expected N.M before the "
       "options\n"},
      {"--record",
       "experiment: a number is missing\n  found    --record\n  expected N.M before the options\n"},
      {"9.1 --record --quick",
       "--record: goes not with --quick\n  found    both\n  expected one of the two\n"},
  };
  for (const Case& wrong : cases) {
    CAPTURE(wrong.line);
    const Result result = experiment(folder, wrong.line);
    CHECK(result.status == 2);
    CHECK(result.err == wrong.message);
    CHECK(result.out == "");
  }
  CHECK_FALSE(fs::exists(folder / "out"));
  CHECK_FALSE(fs::exists(folder / "tutorials/09_lines/results"));
}

TEST_CASE("a failed experiment writes nothing") {
  const TempFolder folder;
  make_chapter(folder);
  experiment_ok(folder, "9.1 --record");
  const Result infinite = experiment(folder, "9.2 --record");
  CHECK(infinite.status == 1);
  CHECK(infinite.err == "slope: a measured number is not finite\n  found    inf\n");
  const Result nothing = experiment(folder, "9.10 --record");
  CHECK(nothing.status == 1);
  CHECK(nothing.err == "slope: predicted, but not recorded\n");
  CHECK(names_of(folder / "tutorials/09_lines/results") ==
        std::set<std::string>{"9.1.json", "9.1_flash.gif", "9.1_square.png"});
  fs::remove(folder / "tutorials/09_lines/weights");
  const Result incomplete = experiment(folder, "9.1");
  CHECK(incomplete.status == 1);
  CHECK(incomplete.err ==
        "tutorials/09_lines/weights: cannot be read\n  open: No such file or directory\n");
  CHECK_FALSE(fs::exists(folder / "out"));
}

TEST_CASE("chapter 3 says that it has no experiments yet") {
  const TempFolder folder;
  CHECK(dcgan_ok(folder, {"experiment"}) == "This chapter has no experiments yet.\n");
  const Result result = dcgan(folder, words("experiment 3.1"));
  CHECK(result.status == 2);
  CHECK(result.err ==
        "experiment: this chapter has no experiments yet\n  found    3.1\n"
        "  expected another command\n");
}

#ifndef FORGER_SANITIZED
TEST_CASE("experiment 1.8 --quick measures what theory says, and draws") {
  const TempFolder folder;
  run_program_ok(FORGER_GENERATIVE, folder, words("experiment 1.8 --quick"));
  std::map<std::string, double> measured;
  const nlohmann::json json = read_json(folder / "out/experiments/1.8.json");
  for (const auto& prediction : json["predictions"]) {
    measured[prediction["quantity"]] = prediction["measured"]["mean"];
  }
  CHECK(measured.size() == 8);
  CHECK(measured["error on Gaussians, logistic regression"] == doctest::Approx(0.159).epsilon(0.1));
  CHECK(measured["error on Gaussians, shared covariance"] == doctest::Approx(0.159).epsilon(0.1));
  CHECK(measured["error on Gaussians, naive Bayes"] == doctest::Approx(0.274).epsilon(0.1));
  CHECK(measured["degrees between the lines"] < 2);
  CHECK(measured["error on moons, the best rule"] == doctest::Approx(0.0564).epsilon(0.15));
  CHECK(measured["error on moons, network / best rule"] > 1);
  CHECK(measured["falls of the log-likelihood"] == 0);
  CHECK(measured["log-likelihood gained by fitting"] > 0);
  CHECK(names_of(folder / "out/experiments") ==
        std::set<std::string>{"1.8.json", "1.8_em.gif", "1.8_em_steps.png", "1.8_gaussians.png",
                              "1.8_moons.png"});
}
#endif

TEST_CASE("an experiment needs its own file, a prediction with its source, a seed and a time") {
  const Experiment good = {.id = "9.1",
                           .title = "A line",
                           .predictions = {tutorials::at_least("slope", 1, "Euclid")},
                           .minutes = 40,
                           .seeds = {1},
                           .measure = nullptr,
                           .source = "09_lines/experiments/9_1_line.cpp"};
  const auto message = [&](void (*spoil)(Experiment&)) {
    Experiment bad = good;
    spoil(bad);
    tutorials::ExperimentOptions options;
    options.number = "9.2";
    tutorials::Command command = tutorials::experiment_command(options);
    command.options[0].given = true;
    return message_of([&] { tutorials::run_experiment(options, command.options, {bad}); });
  };
  CHECK(message([](Experiment&) {}).starts_with("experiment: no such experiment"));
  CHECK(message([](Experiment& e) { e.source = "09_lines/experiments/9_11_line.cpp"; }) ==
        "experiment 9.1: it lacks a file named after its number\n  in 9_11_line.cpp");
  CHECK(message([](Experiment& e) { e.predictions.clear(); }) ==
        "experiment 9.1: it lacks a prediction\n  in 9_1_line.cpp");
  CHECK(message([](Experiment& e) { e.predictions[0].source = ""; }) ==
        "experiment 9.1: it lacks the source of a prediction\n  in 9_1_line.cpp");
  CHECK(message([](Experiment& e) { e.seeds.clear(); }) ==
        "experiment 9.1: it lacks a seed\n  in 9_1_line.cpp");
  CHECK(message([](Experiment& e) { e.minutes = 41; }) ==
        "experiment 9.1: it lacks a time of at most 40 minutes\n  in 9_1_line.cpp");
}

TEST_CASE("a prediction is fulfilled at its bounds and not beyond") {
  using tutorials::is_fulfilled;
  const auto at = [](double mean) { return tutorials::Summary{mean, mean, mean}; };
  const auto about = tutorials::about("x", 1, 0.25, "why");
  CHECK(is_fulfilled(about, at(0.75)));
  CHECK(is_fulfilled(about, at(1.25)));
  CHECK_FALSE(is_fulfilled(about, at(0.74)));
  CHECK_FALSE(is_fulfilled(about, at(1.26)));
  CHECK(is_fulfilled(tutorials::at_least("x", 1, "why"), at(1)));
  CHECK_FALSE(is_fulfilled(tutorials::at_least("x", 1, "why"), at(0.99)));
  CHECK(is_fulfilled(tutorials::at_most("x", 1, "why"), at(1)));
  CHECK_FALSE(is_fulfilled(tutorials::at_most("x", 1, "why"), at(1.01)));
}

TEST_CASE("an experiment's inputs are the sources that it includes, without comments and spaces") {
  const TempFolder folder;
  const fs::path chapter = folder / "tutorials/09_lines";
  for (const char* name : {"experiments", "../models", "../common", "../../nn"}) {
    nn::make_folder(chapter / name);
  }
  const fs::path source = chapter / "experiments/9_1_line.cpp";
  nn::write_file(source,
                 "#include \"tutorials/models/forest.h\"\n#include \"nn/layers.h\"\n"
                 "#include \"networks.h\"\n#include \"experiments.h\"\n"
                 "#include \"tutorials/common/experiment.h\"\n"
                 "#include <vector>\nint x = 1'000;  // a thousand\nconst char* y = \"a // b\";\n");
  nn::write_file(chapter / "networks.h", "int z;\n");
  nn::write_file(chapter / "experiments/experiments.h", "#include \"missing.h\"\n");
  nn::write_file(folder / "tutorials/models/forest.h", "#include \"tree.h\"\n");
  nn::write_file(folder / "tutorials/models/forest.cpp", "#include \"forest.h\"\n");
  nn::write_file(folder / "tutorials/models/tree.h", "#include \"tutorials/models/forest.h\"\n");
  nn::write_file(folder / "tutorials/models/unused.h", "");
  nn::write_file(folder / "tutorials/common/experiment.h", "#include \"missing.h\"\n");
  nn::write_file(folder / "nn/layers.h", "");
  const tutorials::Inputs inputs = experiment_inputs(source, {});
  CHECK(inputs.files ==
        std::vector<std::string>{"tutorials/09_lines/experiments/9_1_line.cpp",
                                 "tutorials/09_lines/networks.h", "tutorials/models/forest.cpp",
                                 "tutorials/models/forest.h", "tutorials/models/tree.h"});

  const std::string before = contents(source);
  const auto checksum_with = [&](const std::string& from, const std::string& to) {
    std::string text = before;
    REQUIRE(text.find(from) != std::string::npos);
    nn::write_file(source, text.replace(text.find(from), from.size(), to));
    return experiment_inputs(source, {}).checksum;
  };
  CHECK(checksum_with("// a thousand", "/* one\nthousand */") == inputs.checksum);
  CHECK(checksum_with("int x = ", "int   x\n=") == inputs.checksum);
  CHECK(checksum_with("1'000", "1'001") != inputs.checksum);
  CHECK(checksum_with("a // b", "a // c") != inputs.checksum);
  CHECK(checksum_with("a // b", "a  // b") != inputs.checksum);
  nn::write_file(source, before);
  nn::write_file(folder / "tutorials/models/tree.h", "#include \"forest.h\"\nint w;\n");
  CHECK(experiment_inputs(source, {}).checksum != inputs.checksum);
}

}  // namespace forger
