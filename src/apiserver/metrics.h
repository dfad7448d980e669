// What the server counts about requests, under the original's names.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "apiserver/request_info.h"
#include "base/clock.h"
#include "net/http.h"

namespace kpp::apiserver {

// Counts in ranges with upper bounds, as Prometheus has them.
template <std::size_t N>
struct Histogram {
  std::array<std::uint64_t, N> counts{};  // of each range alone
  std::uint64_t count = 0;
  double sum = 0;

  void observe(const std::array<double, N>& bounds, double value) {
    ++count;
    sum += value;
    for (std::size_t i = 0; i < N; ++i) {
      if (value > bounds[i]) continue;
      ++counts[i];
      return;
    }
  }
};

// Guarantees: a request counts among those in flight from begin() to end(), and among those that
//   were answered from end() on.
// Runs on: the server's executor.
class RequestMetrics {
 public:
  // What requests are told apart by. The text of labels is made once for a kind of requests.
  struct Kind;
  struct Running {
    Kind* kind = nullptr;
    TimePoint since;
  };

  RequestMetrics();
  ~RequestMetrics();

  // `info` of a resource that is served: what clients make up must not become labels.
  Running begin(const net::Request& request, const net::Query& query, const RequestInfo& info,
                TimePoint now);
  void end(const Running& running, int code, std::size_t bytes, TimePoint now);
  // In the text format of Prometheus.
  void write(std::string& out) const;

 private:
  std::map<std::string, std::unique_ptr<Kind>, std::less<>> kinds_;
  std::int64_t reading_ = 0, changing_ = 0;  // in flight, but for those that go on
};

}  // namespace kpp::apiserver
