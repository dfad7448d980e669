#include "flags.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "base/duration.h"

namespace kpp::cmd {

struct Flags::State {
  CLI::App app;
  explicit State(const std::string& command, const std::string& summary) : app(summary, command) {}
};

namespace {
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
    const auto parsed = parse_go_duration(text);
    if (!parsed) {
      throw CLI::ValidationError(cat("invalid argument ", kpp::quoted(text), " for \"--", name,
                                     "\" flag: ", parsed.error().message()));
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
void Flags::add(std::string name, std::optional<std::string>* value, std::string help) {
  state_->app.add_option_function<std::string>(
      option_name(name), [value](const std::string& text) { *value = text; }, help);
}
void Flags::add(std::string name, std::optional<bool>* value, std::string help) {
  state_->app.add_flag_function(
      option_name(name), [value](std::int64_t given) { *value = given > 0; }, help);
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
