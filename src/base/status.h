// Errors as values. The reasons are those of the Kubernetes API (metav1.StatusReason), so that an
// error that starts deep in the store reaches a client with the reason and HTTP code that the
// original answers.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cat.h"

namespace kpp {

enum class Reason : std::uint8_t {
  kUnknown,
  kUnauthorized,           // 401
  kForbidden,              // 403
  kNotFound,               // 404
  kAlreadyExists,          // 409
  kConflict,               // 409: resourceVersion or UID precondition
  kGone,                   // 410
  kInvalid,                // 422
  kServerTimeout,          // 500, retry
  kStoreReadError,         // 500
  kTimeout,                // 504
  kTooManyRequests,        // 429
  kBadRequest,             // 400
  kMethodNotAllowed,       // 405
  kNotAcceptable,          // 406
  kRequestEntityTooLarge,  // 413
  kUnsupportedMediaType,   // 415
  kInternalError,          // 500
  kExpired,                // 410: a resource version that was compacted
  kServiceUnavailable,     // 503
  kCanceled,               // ours: the caller stopped waiting; never leaves the process
  kCorrupt,                // ours: stored bytes are not what was written; answered as InternalError
  kIo,                     // ours: a system call failed; answered as InternalError
};

// The text of metav1.Status.reason, e.g. "AlreadyExists".
std::string_view reason_text(Reason reason);
// Inverse of reason_text; kUnknown for any other text.
Reason reason_from_text(std::string_view text);
// The HTTP status code that the API answers for a reason.
int reason_code(Reason reason);

// metav1.StatusCause.
struct StatusCause {
  std::string type;  // e.g. FieldValueInvalid
  std::string message;
  std::string field;
};

// metav1.StatusDetails.
struct StatusDetails {
  std::string name;
  std::string group;
  std::string kind;
  std::string uid;
  std::vector<StatusCause> causes;
  int retry_after_seconds = 0;
};

// Success, or a reason with a message for a person. Cheap to move; success allocates nothing.
class [[nodiscard]] Status {
 public:
  Status() = default;  // ok
  Status(Reason reason, std::string message);
  Status(Reason reason, std::string message, StatusDetails details);
  Status(const Status& other);
  Status& operator=(const Status& other);
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;
  ~Status() = default;

  bool ok() const { return !error_; }
  Reason reason() const;
  const std::string& message() const;
  // HTTP code: the reason's unless with_code() gave another.
  int code() const;
  // Empty details if none were given; has_details() tells them apart from details given empty.
  const StatusDetails& details() const;
  bool has_details() const { return error_ && error_->has_details; }
  bool is(Reason r) const { return error_ && error_->reason == r; }

  Status with_code(int code) &&;
  // "context: message"; the reason and details stay.
  Status with_context(std::string_view context) &&;
  std::string to_string() const;

 private:
  struct Error {
    Reason reason;
    int code = 0;
    std::string message;
    StatusDetails details;
    bool has_details = false;
  };
  std::unique_ptr<Error> error_;
};

template <class T>
using Result = std::expected<T, Status>;

// Makes the error of a Result<T>: return fail(Reason::kNotFound, "...").
inline std::unexpected<Status> fail(Reason reason, std::string message) {
  return std::unexpected(Status(reason, std::move(message)));
}
inline std::unexpected<Status> fail(Status status) { return std::unexpected(std::move(status)); }

// errno as a Status of reason kIo (kNotFound for ENOENT, kAlreadyExists for EEXIST): "what:
// strerror".
Status errno_status(std::string_view what, int error_number);

}  // namespace kpp

#define KPP_CONCAT_INNER(a, b) a##b
#define KPP_CONCAT(a, b) KPP_CONCAT_INNER(a, b)

// KPP_RETURN_IF_ERROR(expr): expr is a Status; returns it from the function if it is an error.
#define KPP_RETURN_IF_ERROR(expr)                              \
  do {                                                         \
    if (::kpp::Status kpp_status_ = (expr); !kpp_status_.ok()) \
      return ::kpp::as_return(std::move(kpp_status_));         \
  } while (false)
#define KPP_CO_RETURN_IF_ERROR(expr)                           \
  do {                                                         \
    if (::kpp::Status kpp_status_ = (expr); !kpp_status_.ok()) \
      co_return ::kpp::as_return(std::move(kpp_status_));      \
  } while (false)

// KPP_ASSIGN(T name, expr): expr is a Result<T>; declares name, or returns the error.
#define KPP_ASSIGN(decl, expr)                                                     \
  auto KPP_CONCAT(kpp_result_, __LINE__) = (expr);                                 \
  if (!KPP_CONCAT(kpp_result_, __LINE__))                                          \
    return ::kpp::as_return(std::move(KPP_CONCAT(kpp_result_, __LINE__)).error()); \
  decl = std::move(*KPP_CONCAT(kpp_result_, __LINE__))
#define KPP_CO_ASSIGN(decl, expr)                                                     \
  auto KPP_CONCAT(kpp_result_, __LINE__) = (expr);                                    \
  if (!KPP_CONCAT(kpp_result_, __LINE__))                                             \
    co_return ::kpp::as_return(std::move(KPP_CONCAT(kpp_result_, __LINE__)).error()); \
  decl = std::move(*KPP_CONCAT(kpp_result_, __LINE__))

namespace kpp {
// Lets one macro serve functions that return Status and functions that return Result<T>.
struct ReturnedError {
  Status status;
  operator Status() && { return std::move(status); }  // NOLINT(google-explicit-constructor)
  template <class T>
  operator Result<T>() && {  // NOLINT(google-explicit-constructor)
    return std::unexpected(std::move(status));
  }
};
inline ReturnedError as_return(Status status) { return {std::move(status)}; }
}  // namespace kpp
