#include "lab/state_file.h"

#include <algorithm>

#include "base/fs.h"

namespace kpp::lab {

void StateFile::add(std::string key, std::string value) {
  entries_.emplace_back(std::move(key), std::move(value));
}

std::string StateFile::get(std::string_view key) const {
  for (const auto& [k, v] : entries_) {
    if (k == key) return v;
  }
  return {};
}

std::vector<std::string> StateFile::all(std::string_view key) const {
  std::vector<std::string> out;
  for (const auto& [k, v] : entries_) {
    if (k == key) out.push_back(v);
  }
  return out;
}

std::string StateFile::text() const {
  std::string out;
  for (const auto& [key, value] : entries_) {
    out += key;
    out += ' ';
    for (const char c : value) {
      if (c == '\n') {
        out += "\\n";
      } else if (c == '\\') {
        out += "\\\\";
      } else {
        out += c;
      }
    }
    out += '\n';
  }
  return out;
}

Result<StateFile> StateFile::parse(std::string_view text) {
  StateFile state;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || space == 0) {
      return fail(Reason::kCorrupt, cat("no \"key value\": ", quoted(line)));
    }
    std::string value;
    for (std::size_t i = space + 1; i < line.size(); ++i) {
      const bool escape = line[i] == '\\' && i + 1 < line.size();
      if (!escape) {
        value += line[i];
      } else {
        ++i;
        value += line[i] == 'n' ? '\n' : line[i];
      }
    }
    state.add(std::string(line.substr(0, space)), std::move(value));
  }
  return state;
}

Status StateFile::save(const std::string& path) const {
  return fs::write_file_atomic(path, text());
}

Result<StateFile> StateFile::load(const std::string& path) {
  KPP_ASSIGN(const std::string text, fs::read_file(path));
  return parse(text);
}

}  // namespace kpp::lab
