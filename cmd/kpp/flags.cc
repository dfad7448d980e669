#include "flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <iostream>
#include <optional>

namespace kpp::cmd {

struct Flags::State {
  CLI::App app;
  explicit State(const std::string& command, const std::string& summary) : app(summary, command) {}
};

namespace {
// As the original's flags write a duration: numbers with units, one after another.
std::optional<Duration> parse_duration(std::string_view text) {
  static constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"ms", 1'000'000},        {"us", 1'000},         {"ns", 1},
      {"h", 3'600'000'000'000}, {"m", 60'000'000'000}, {"s", 1'000'000'000}};
  if (text == "0") return Duration::zero();
  double nanos = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc() || number < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const auto* unit = std::find_if(std::begin(kUnits), std::end(kUnits),
                                    [&](const auto& u) { return text.starts_with(u.first); });
    if (unit == std::end(kUnits)) return std::nullopt;
    nanos += number * static_cast<double>(unit->second);
    text.remove_prefix(unit->first.size());
  }
  if (nanos > 9e18) return std::nullopt;
  return std::chrono::duration_cast<Duration>(
      std::chrono::nanoseconds(static_cast<std::int64_t>(nanos)));
}

std::string option_name(const std::string& name) { return cat("--", name); }
}  // namespace

Flags::Flags(std::string command, std::string summary)
    : state_(std::make_unique<State>(command, summary)) {}
Flags::~Flags() = default;

void Flags::add(std::string name, std::string* value, std::string help) {
  state_->app.add_option(option_name(name), *value, help)->capture_default_str();
}
void Flags::add(std::string name, int* value, std::string help) {
  state_->app.add_option(option_name(name), *value, help)->capture_default_str();
}
void Flags::add(std::string name, Duration* value, std::string help) {
  const auto take = [value, name](const std::string& text) {
    const auto parsed = parse_duration(text);
    if (!parsed) {
      throw CLI::ValidationError(cat("invalid argument ", kpp::quoted(text), " for \"--", name,
                                     "\" flag: time: invalid duration ", kpp::quoted(text)));
    }
    *value = *parsed;
  };
  state_->app.add_option_function<std::string>(option_name(name), take, help);
}
void Flags::add(std::string name, bool* value, std::string help) {
  state_->app.add_flag(option_name(name), *value, help);
}
void Flags::add(std::string name, std::vector<std::string>* values, std::string help) {
  state_->app.add_option(option_name(name), *values, help)->delimiter(',');
}
void Flags::add_verbosity(int* value) {
  state_->app.add_option("-v,--v", *value, "number for the log level verbosity");
}
void Flags::add_words(std::vector<std::string>* words, std::string help) {
  state_->app.add_option("words", *words, help);
}

Status Flags::parse(int argc, char** argv) {
  // -v=2 is how the original's components take it; the library wants -v 2.
  std::vector<std::string> words;
  for (int i = argc - 1; i >= 1; --i) {
    std::string word = argv[i];
    if (word.starts_with("-v=")) word = cat("--v=", word.substr(3));
    words.push_back(std::move(word));
  }
  try {
    state_->app.parse(words);
    return {};
  } catch (const CLI::CallForHelp&) {
    std::cout << state_->app.help();
    return Status(Reason::kCanceled, "");
  } catch (const CLI::ExtrasError&) {
    const auto rest = state_->app.remaining();
    const std::string first = rest.empty() ? "" : rest.front();
    return Status(Reason::kInvalid, first.starts_with("-")
                                        ? cat("unknown flag: ", first.substr(0, first.find('=')))
                                        : cat("unknown argument: ", kpp::quoted(first)));
  } catch (const CLI::Error& error) {
    return Status(Reason::kInvalid, error.what());
  }
}

}  // namespace kpp::cmd
