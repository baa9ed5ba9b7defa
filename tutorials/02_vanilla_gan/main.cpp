// Chapter 2: the GAN (Goodfellow et al. 2014, arXiv 1406.2661), from the best discriminator on.
#include <vector>

#include "experiments/experiments.h"
#include "tutorials/common/experiment.h"
#include "tutorials/common/options.h"
#include "tutorials/common/report.h"

namespace forger::vanilla {
namespace {

int run(int argc, char** argv) {
  tutorials::ExperimentOptions options;
  std::vector<tutorials::Command> commands = {tutorials::experiment_command(options)};
  if (tutorials::parse_command_line(
          argc, argv, "Chapter 2: the GAN, from the best discriminator on.", commands) != 0) {
    return 0;
  }
  return tutorials::run_experiment(options, commands[0].options, experiments());
}

}  // namespace
}  // namespace forger::vanilla

int main(int argc, char** argv) {
  return forger::tutorials::report_errors(argc, argv, forger::vanilla::run);
}
