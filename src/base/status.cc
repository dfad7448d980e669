#include "base/status.h"

#include <array>
#include <cerrno>
#include <cstring>

namespace kpp {
namespace {

struct ReasonRow {
  Reason reason;
  std::string_view text;
  int code;
};

constexpr std::array kReasons = {
    ReasonRow{Reason::kUnknown, "", 500},
    ReasonRow{Reason::kUnauthorized, "Unauthorized", 401},
    ReasonRow{Reason::kForbidden, "Forbidden", 403},
    ReasonRow{Reason::kNotFound, "NotFound", 404},
    ReasonRow{Reason::kAlreadyExists, "AlreadyExists", 409},
    ReasonRow{Reason::kConflict, "Conflict", 409},
    ReasonRow{Reason::kGone, "Gone", 410},
    ReasonRow{Reason::kInvalid, "Invalid", 422},
    ReasonRow{Reason::kServerTimeout, "ServerTimeout", 500},
    ReasonRow{Reason::kStoreReadError, "StorageReadError", 500},
    ReasonRow{Reason::kTimeout, "Timeout", 504},
    ReasonRow{Reason::kTooManyRequests, "TooManyRequests", 429},
    ReasonRow{Reason::kBadRequest, "BadRequest", 400},
    ReasonRow{Reason::kMethodNotAllowed, "MethodNotAllowed", 405},
    ReasonRow{Reason::kNotAcceptable, "NotAcceptable", 406},
    ReasonRow{Reason::kRequestEntityTooLarge, "RequestEntityTooLarge", 413},
    ReasonRow{Reason::kUnsupportedMediaType, "UnsupportedMediaType", 415},
    ReasonRow{Reason::kInternalError, "InternalError", 500},
    ReasonRow{Reason::kExpired, "Expired", 410},
    ReasonRow{Reason::kServiceUnavailable, "ServiceUnavailable", 503},
    ReasonRow{Reason::kCanceled, "Timeout", 504},
    ReasonRow{Reason::kCorrupt, "InternalError", 500},
    ReasonRow{Reason::kIo, "InternalError", 500},
};

const ReasonRow& row_of(Reason reason) { return kReasons[static_cast<std::size_t>(reason)]; }

}  // namespace

std::string_view reason_text(Reason reason) { return row_of(reason).text; }

Reason reason_from_text(std::string_view text) {
  for (const auto& row : kReasons) {
    if (row.text == text) return row.reason;
  }
  return Reason::kUnknown;
}

int reason_code(Reason reason) { return row_of(reason).code; }

Status::Status(Reason reason, std::string message)
    : error_(std::make_unique<Error>(reason, 0, std::move(message), StatusDetails{}, false)) {}

Status::Status(Reason reason, std::string message, StatusDetails details)
    : error_(std::make_unique<Error>(reason, 0, std::move(message), std::move(details), true)) {}

Status::Status(const Status& other)
    : error_(other.error_ ? std::make_unique<Error>(*other.error_) : nullptr) {}

Status& Status::operator=(const Status& other) {
  if (this != &other) error_ = other.error_ ? std::make_unique<Error>(*other.error_) : nullptr;
  return *this;
}

Reason Status::reason() const { return error_ ? error_->reason : Reason::kUnknown; }

const std::string& Status::message() const {
  static const std::string kNone;
  return error_ ? error_->message : kNone;
}

int Status::code() const {
  if (!error_) return 200;
  return error_->code != 0 ? error_->code : reason_code(error_->reason);
}

const StatusDetails& Status::details() const {
  static const StatusDetails kNone;
  return error_ ? error_->details : kNone;
}

Status Status::with_code(int code) && {
  if (error_) error_->code = code;
  return std::move(*this);
}

Status Status::with_context(std::string_view context) && {
  if (error_) error_->message = cat(context, ": ", error_->message);
  return std::move(*this);
}

std::string Status::to_string() const {
  if (!error_) return "ok";
  return error_->message;
}

Status errno_status(std::string_view what, int error_number) {
  const Reason reason = error_number == ENOENT   ? Reason::kNotFound
                        : error_number == EEXIST ? Reason::kAlreadyExists
                                                 : Reason::kIo;
  return Status(reason, cat(what, ": ", std::strerror(error_number)));
}

}  // namespace kpp
