#include "tutorials/common/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

namespace forger::tutorials {
namespace {

constexpr size_t kNameColumn = 24;  // width of the column of option names in --help

template <class Number>
std::string shortest_text(Number number) {
  char digits[32];
  return {digits,
          std::to_chars(digits, digits + sizeof digits, number, std::chars_format::general).ptr};
}

/// Reads the whole text as a number. Returns false if it is not a number or does not fit.
bool parse_number(const std::string& text, int64_t& number) {
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

/// Reads the whole text as a fraction. std::from_chars of libc++ can do this only since version 20,
/// so it uses std::strtod and rejects what only that accepts: leading space or plus, hexadecimal.
bool parse_number(const std::string& text, double& number) {
  if (text.empty() || text[0] == '+' || std::isspace(static_cast<unsigned char>(text[0])) != 0 ||
      text.find_first_of("xX") != std::string::npos) {
    return false;
  }
  char* end = nullptr;
  errno = 0;
  number = std::strtod(text.c_str(), &end);
  return errno == 0 && end == text.c_str() + text.size();
}

std::string range_text(const IntegerRange& range) {
  const std::string least = std::to_string(range.least), most = std::to_string(range.most);
  if (range.most - range.least == range.step) return least + " or " + most;
  const std::string from_to = " from " + least + " to " + most;
  if (range.step > 1) return "a multiple of " + std::to_string(range.step) + from_to;
  return "a whole number" + from_to;
}

std::string range_text(const NumberRange& range) {
  if (std::isinf(range.low) && std::isinf(range.high)) return "a number";
  return std::string("a number ") + (range.with_low ? "of at least " : "above ") +
         number_text(range.low) + (range.with_high ? ", at most " : ", below ") +
         number_text(range.high);
}

bool contains(const IntegerRange& range, int64_t x) {
  return x >= range.least && x <= range.most && (x - range.least) % range.step == 0;
}

bool contains(const NumberRange& range, double x) {  // NaN is in no range
  return (range.with_low ? x >= range.low : x > range.low) &&
         (range.with_high ? x <= range.high : x < range.high);
}

template <class Number, class Range>
void set_number(Number& value, const Range& range, const std::string& text,
                const std::string& title) {
  Number number{};
  const bool is_number = parse_number(text, number);
  if (is_number && contains(range, number)) {
    value = number;
    return;
  }
  fail(title, is_number ? "out of range" : "not such a number",
       {"found    " + text, "expected " + range_text(range)}, {});
}

/// Breaks the text into lines that fit beside the option's name on a terminal of 80 columns.
std::string wrap(const std::string& text) {
  std::string wrapped;
  size_t width = 0;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const bool fits = width == 0 || width + 1 + word.size() <= 80 - kNameColumn;
    if (width > 0) wrapped += fits ? " " : "\n";
    width = fits && width > 0 ? width + 1 + word.size() : word.size();
    wrapped += word;
  }
  return wrapped;
}

/// Returns the help text, with {} replaced by the default.
std::string help_of(const Option& option) {
  std::string help = option.help;
  if (const size_t at = help.find("{}"); at != std::string::npos) {
    help.replace(at, 2, value_text(option));
  }
  return wrap(help);
}

void declare(CLI::App& app, Option& option) {
  const std::string name = (option.positional ? "" : "--") + option.name;
  if (bool* const* flag = std::get_if<bool*>(&option.value)) {
    app.add_flag_callback(
        name,
        [&option, flag = *flag] {
          *flag = true;
          option.given = true;
        },
        help_of(option));
    return;
  }
  const auto take = [&option, name](const std::string& text) {
    try {
      if (!text.empty() || !option.value_is_optional) set_value(option, text, name);
    } catch (const Error& error) {
      throw UsageError(error.what());
    }
    option.given = true;
  };
  app.add_option_function<std::string>(name, take, help_of(option))
      ->option_text(option.value_is_optional ? "[" + option.metavar + "]" : option.metavar)
      ->expected(option.value_is_optional ? 0 : 1, 1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

[[noreturn]] void fail_unknown(const std::string& word, const std::string& command,
                               const std::vector<Command>& commands) {
  if (word.starts_with("-")) {
    fail_option(word, "unknown option", word, "one of those that " + command + " --help lists");
  }
  if (commands.size() == 1 && commands[0].name == command) {
    fail_option(word, "not expected here", word,
                "no more than " + command + " --help lists, and options, which begin with --");
  }
  std::string names;
  for (const Command& known : commands) names += (names.empty() ? "" : ", ") + known.name;
  fail_option(word, "not expected here", word,
              "a command (" + names + ") as the first word, and options, which begin with --");
}

}  // namespace

void fail_option(const std::string& name, const std::string& what, const std::string& found,
                 const std::string& expected) {
  throw UsageError(name + ": " + what + "\n  found    " + found + "\n  expected " + expected);
}

Option integer_option(std::string name, int64_t& value, IntegerRange range, std::string help,
                      Kept kept) {
  return {std::move(name), &value, range, "N", std::move(help), kept};
}

Option number_option(std::string name, double& value, NumberRange range, std::string help,
                     Kept kept) {
  return {std::move(name), &value, range, "X", std::move(help), kept};
}

Option text_option(std::string name, std::string& value, std::string metavar, std::string help,
                   Kept kept) {
  return {std::move(name), &value, {}, std::move(metavar), std::move(help), kept};
}

Option flag_option(std::string name, bool& value, std::string help, Kept kept) {
  return {std::move(name), &value, {}, "", std::move(help), kept};
}

std::string number_text(double number) { return shortest_text(number); }
std::string number_text(float number) { return shortest_text(number); }

std::string value_text(const Option& option) {
  if (auto* integer = std::get_if<int64_t*>(&option.value)) return std::to_string(**integer);
  if (auto* number = std::get_if<double*>(&option.value)) return number_text(**number);
  if (auto* flag = std::get_if<bool*>(&option.value)) return **flag ? "true" : "false";
  return *std::get<std::string*>(option.value);
}

void set_value(const Option& option, const std::string& text, const std::string& title) {
  if (auto* integer = std::get_if<int64_t*>(&option.value)) {
    set_number(**integer, std::get<IntegerRange>(option.range), text, title);
  } else if (auto* number = std::get_if<double*>(&option.value)) {
    set_number(**number, std::get<NumberRange>(option.range), text, title);
  } else if (auto* flag = std::get_if<bool*>(&option.value)) {
    if (text != "true" && text != "false") {
      fail(title, "not a flag", {"found    " + text, "expected true or false"}, {});
    }
    **flag = text == "true";
  } else {
    if (text.empty()) fail(title, "empty", {"expected " + option.metavar}, {});
    *std::get<std::string*>(option.value) = text;
  }
}

const Option& find_option(const std::vector<Option>& options, const std::string& name) {
  for (const Option& option : options) {
    if (option.name == name) return option;
  }
  throw Error("there is no option --" + name);
}

int parse_command_line(int argc, char** argv, const std::string& description,
                       std::vector<Command>& commands) {
  const std::string program = std::filesystem::path(argv[0]).filename().string();
  CLI::App app(description, program);
  app.get_formatter()->column_width(kNameColumn);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.set_help_flag("-h,--help", "prints this help");
  app.require_subcommand(1);
  std::vector<CLI::App*> parsers;
  for (Command& command : commands) {
    CLI::App* parser = app.add_subcommand(command.name, command.description);
    parser->footer(command.notes);
    parser->allow_extras();  // so that unknown words get this project's message
    for (Option& option : command.options) declare(*parser, option);
    parsers.push_back(parser);
  }

  std::vector<std::string> words(argv + 1, argv + argc);
  const bool only = commands.size() == 1 && commands[0].name == program;
  if (!words.empty() && (words[0] == "--help" || words[0] == "-h")) {
    if (only) {
      std::printf("%s", parsers[0]->help().c_str());
      return -1;
    }
    std::printf("%s%s COMMAND --help lists the options of a command. Without a command:\n\n%s",
                app.help().c_str(), program.c_str(), parsers[0]->help(program).c_str());
    return -1;
  }
  const auto is_command = [&](const Command& command) {
    return !words.empty() && words[0] == command.name;
  };
  if (only || std::none_of(commands.begin(), commands.end(), is_command)) {
    words.insert(words.begin(), commands[0].name);
  }
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 pops from the back
  } catch (const CLI::CallForHelp&) {
    std::printf("%s", app.help().c_str());
    return -1;
  } catch (const CLI::ArgumentMismatch&) {
    fail_option(words.back().substr(0, words.back().find('=')), "a value is missing", "nothing",
                "a value behind it");
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  const auto used = std::find_if(parsers.begin(), parsers.end(),
                                 [](const CLI::App* parser) { return parser->parsed(); });
  const size_t index = static_cast<size_t>(used - parsers.begin());
  const std::vector<std::string> unknown = (*used)->remaining();
  if (!unknown.empty()) {
    fail_unknown(unknown[0], only ? program : program + " " + commands[index].name, commands);
  }
  return static_cast<int>(index);
}

std::map<std::string, std::string> kept_values(const std::vector<Option>& options) {
  std::map<std::string, std::string> values;
  for (const Option& option : options) {
    if (option.kept != Kept::kNowhere) values[option.name] = value_text(option);
  }
  return values;
}

}  // namespace forger::tutorials
