// Structured log in klog's text format:
//   I0102 15:04:05.123456   1234 server.cc:56] "Serving" address="127.0.0.1:6443"
#pragma once

#include <memory>
#include <mutex>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

#include "base/cat.h"
#include "base/clock.h"

namespace kpp {

// One key and its value, already as text.
struct LogField {
  std::string_view key;
  std::string value;
};

template <class T>
LogField kv(std::string_view key, const T& value) {
  return {key, cat(value)};
}

// Where lines go: one write(2) a line, so lines of several threads never mix. Thread-safe.
class LogSink {
 public:
  explicit LogSink(int fd, int verbosity = 0) : fd_(fd), verbosity_(verbosity) {}
  void write(char severity, std::string_view component, std::string_view message,
             std::initializer_list<LogField> fields, const std::source_location& where);
  int verbosity() const { return verbosity_; }

 private:
  const int fd_;
  const int verbosity_;
  SystemClock clock_;
};

// A named view of a sink, passed to components at construction. The message is a constant sentence;
// data are fields. The sink must outlive it. Copies are cheap. Thread-safe.
class Logger {
 public:
  Logger(LogSink& sink, std::string component) : sink_(&sink), component_(std::move(component)) {}

  Logger named(std::string component) const { return Logger(*sink_, std::move(component)); }

  void info(std::string_view message, std::initializer_list<LogField> fields = {},
            const std::source_location& where = std::source_location::current()) const {
    sink_->write('I', component_, message, fields, where);
  }
  void warning(std::string_view message, std::initializer_list<LogField> fields = {},
               const std::source_location& where = std::source_location::current()) const {
    sink_->write('W', component_, message, fields, where);
  }
  // A person must act.
  void error(std::string_view message, std::initializer_list<LogField> fields = {},
             const std::source_location& where = std::source_location::current()) const {
    sink_->write('E', component_, message, fields, where);
  }
  // Written only at -v >= level.
  void debug(int level, std::string_view message, std::initializer_list<LogField> fields = {},
             const std::source_location& where = std::source_location::current()) const {
    if (sink_->verbosity() >= level) sink_->write('I', component_, message, fields, where);
  }
  bool enabled(int level) const { return sink_->verbosity() >= level; }

 private:
  LogSink* sink_;
  std::string component_;
};

}  // namespace kpp
