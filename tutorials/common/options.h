#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "autograd/error.h"

/// The options of a chapter's program. One table holds each option's name, variable, range and
/// help. The command line, the checkpoint's metadata, run.json and --resume all read this table.
namespace forger::tutorials {

/// A mistake in the command line. The program ends with status 2; any other Error ends it with 1.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Throws UsageError:
///
///     --lr: out of range
///       found    -1
///       expected a number above 0, at most 10
[[noreturn]] void fail_option(const std::string& name, const std::string& what,
                              const std::string& found, const std::string& expected);

/// The values least, least + step, ... up to most.
struct IntegerRange {
  int64_t least, most, step = 1;
};

/// The values from low to high, each bound included or not.
struct NumberRange {
  double low, high;
  bool with_low = true, with_high = true;
};

/// Whether a checkpoint keeps an option, and which later call may give it another value.
enum class Kept {
  kNowhere,      // not stored; applies to this call only
  kUntilResume,  // --resume may change it: how long the run is, and where its data are
  kInRun,        // --resume may not change it, --fork may: a learning rate
  kInForks,      // not even --fork may change it: a shape, the choice of data, the seed
};

struct Option {
  std::string name;  // "batch-size" is given as --batch-size
  std::variant<int64_t*, double*, std::string*, bool*> value;
  std::variant<std::monostate, IntegerRange, NumberRange> range;
  std::string metavar;  // what --help shows for the value: "N"
  std::string help;     // {} is replaced by the default: the value before the command line is read
  Kept kept = Kept::kNowhere;
  bool given = false;              // on the command line
  bool positional = false;         // a word without --
  bool value_is_optional = false;  // --predict and --predict 0.5; without one the value stays
};

Option integer_option(std::string name, int64_t& value, IntegerRange range, std::string help,
                      Kept kept = Kept::kNowhere);
Option number_option(std::string name, double& value, NumberRange range, std::string help,
                     Kept kept = Kept::kNowhere);
Option text_option(std::string name, std::string& value, std::string metavar, std::string help,
                   Kept kept = Kept::kNowhere);
Option flag_option(std::string name, bool& value, std::string help, Kept kept = Kept::kNowhere);

/// Returns the shortest text from which the same number is read again.
std::string number_text(double number);
std::string number_text(float number);

/// Returns the value as a text from which set_value() makes exactly the same value again.
std::string value_text(const Option& option);
/// Sets an option from a text. If `text` is not a value of this option, throws Error that begins
/// with `title` and says what was found and which values there are; nothing has changed then.
void set_value(const Option& option, const std::string& text, const std::string& title);

/// Returns the option of that name. Throws Error when there is none.
const Option& find_option(const std::vector<Option>& options, const std::string& name);

struct Command {
  std::string name;         // "train"
  std::string description;  // one line
  std::string notes;        // below its options in --help
  std::vector<Option> options;
};

/// Reads the command line into the variables of one command and returns its index. If the first
/// word is not a command, the first command is meant. A program whose only command has its own name
/// takes no such word. Prints the help and returns -1 if that was asked for. Throws UsageError for
/// anything else.
int parse_command_line(int argc, char** argv, const std::string& description,
                       std::vector<Command>& commands);

/// Returns the options that a checkpoint keeps, as text by name.
std::map<std::string, std::string> kept_values(const std::vector<Option>& options);

}  // namespace forger::tutorials
