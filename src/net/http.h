// HTTP messages as values: what the servers, the clients and the in-process transport hand to each
// other.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"

namespace kpp::net {

// Header fields in order; names compare without case.
class Headers {
 public:
  void add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  // Replaces all fields of the name.
  void set(std::string_view name, std::string value);
  void remove(std::string_view name);
  // The first value, or nullptr.
  const std::string* find(std::string_view name) const;
  std::string_view get(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// Bytes that many answers share without copying.
using SharedBytes = std::shared_ptr<const std::string>;

// A run of them, kept alive by its owner; or of a literal.
class Slice {
 public:
  Slice(SharedBytes bytes)
      : owner_(std::move(bytes)), text_(*owner_) {}  // NOLINT: whole bytes are a run of them
  Slice(SharedBytes owner, std::string_view text) : owner_(std::move(owner)), text_(text) {}
  static Slice literal(std::string_view text) { return {nullptr, text}; }
  const std::string_view& operator*() const { return text_; }
  const std::string_view* operator->() const { return &text_; }

 private:
  SharedBytes owner_;
  std::string_view text_;
};

// A connection that was upgraded (SPDY, WebSocket, or any other): bytes both ways. Runs on: one
// executor.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Some bytes; an empty string at the end of the stream.
  virtual async::Task<Result<std::string>> read(async::StopToken stop) = 0;
  virtual async::Task<Status> write(std::string bytes, async::StopToken stop) = 0;
  // Ends our direction; the other goes on until its end.
  virtual async::Task<void> close_write() = 0;
  // Ends both directions at once; a read() or write() in flight comes back with an error.
  virtual void abort() = 0;
};

// Who the peer of a request proved to be in the TLS handshake.
struct PeerCertificate {
  std::string common_name;
  std::vector<std::string> organizations;
  bool verified = false;  // signed by the client CA, within its validity, for client authentication
  bool of_proxy = false;  // the same, by the CA of proxies that speak for others
  std::string sha256;     // of the certificate, lower-case hexadecimal; empty: there was none
};

struct Request {
  std::string method;
  std::string path;             // decoded path without the query, e.g. /api/v1/pods
  std::string query;            // undecoded, without '?'
  Headers headers;              // over HTTP/2 too; :authority stands as Host
  std::string body;             // whole; limited by the server's options
  bool body_too_large = false;  // the body was over the limit and was dropped
  std::optional<PeerCertificate> peer_certificate;
  std::string remote_address;  // ip:port, or "in-process"
  // HTTP/1.1 with "Connection: Upgrade": the handler may answer with Response::upgraded.
  bool upgradable = false;
};

// The body of an answer that is written piece by piece (a watch, a log that is followed).
class BodySource {
 public:
  virtual ~BodySource() = default;
  // The next bytes; nullptr at the end. An error cuts the connection so that the client sees that
  // it is not whole. `stop` is requested when the client has gone.
  virtual async::Task<Result<SharedBytes>> next(async::StopToken stop) = 0;
};

struct Response {
  int status = 200;
  Headers headers;
  // Written one after another; content-length is their sum.
  std::vector<Slice> body;
  // If set, follows `body`, in chunks, each flushed at once.
  std::unique_ptr<BodySource> stream;
  // If set (status 101): called with the raw connection after the head was written; owns it until
  // it returns.
  std::move_only_function<async::Task<void>(std::unique_ptr<ByteStream>, async::StopToken)>
      upgraded;

  static Response text(int status, std::string_view content_type, std::string body);
  std::string body_text() const;  // all of `body` in one string
};

// What a server serves. One call a request; calls run at the same time. `stop` is requested when
// the client has gone or the server stops. Runs on: the server's executor.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual async::Task<Response> handle(Request request, async::StopToken stop) = 0;
};

// What clients send requests with: over the network, or straight into a Handler in the same
// process.
class Transport {
 public:
  virtual ~Transport() = default;
  // An error means that no answer came (kServiceUnavailable: could not connect; kIo: broke in the
  // middle; kCanceled). A non-2xx answer is a Response, not an error. With `want_stream` the body
  // comes as Response::stream; else whole in Response::body.
  virtual async::Task<Result<Response>> send(Request request, bool want_stream,
                                             async::StopToken stop) = 0;
};

// Parsed query: decoded pairs in order.
class Query {
 public:
  static Query parse(std::string_view text);
  const std::string* find(std::string_view name) const;
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  std::vector<std::string_view> all(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& pairs() const { return pairs_; }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

std::string percent_decode(std::string_view text, bool plus_is_space);
std::string percent_encode(std::string_view text);  // for a query value or one path segment

}  // namespace kpp::net
