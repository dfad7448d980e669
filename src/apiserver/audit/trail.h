// What is written down about one request.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/audit/log_file.h"
#include "apiserver/audit/policy.h"
#include "async/executor.h"
#include "base/log.h"
#include "codec/json.h"
#include "net/http.h"

namespace kpp::apiserver {

// Where events go and which. Outlives every trail.
struct Audit {
  async::Executor& executor;
  AuditPolicy policy;
  std::unique_ptr<AuditLogFile> file;
  Logger log;
};

// The events of one request, from its arrival to the end of its answer.
//
// Guarantees: each stage that the policy wants is written once; nothing is written twice.
// Ownership: `audit` outlives it.
class AuditTrail {
 public:
  // Reads from the request what stands in the event; of one that shows no user, too.
  AuditTrail(Audit& audit, std::string id, const net::Request& request, WallTime received);

  // Who asks, and for what: the policy decides here, and RequestReceived is written.
  void begin(const User& user, const AccessRequest& access);
  // The same for somebody who is not known: of that, the answer's start alone is written.
  void begin_unknown(const AccessRequest& access);
  void acts_as(const User& user);
  // The first value of a key stays.
  void annotate(std::string key, std::string value);
  // The object of the request, if the policy wants to know so much.
  bool wants_request() const { return decision_.level >= AuditLevel::kRequest; }
  bool wants_name() const { return decision_.level >= AuditLevel::kMetadata; }
  void set_request(json::Value document);
  void name_object(std::string_view ns, std::string_view name, std::string_view uid,
                   std::string_view version);
  // Writes what follows from the answer, and puts itself to the end of one that goes on.
  static void finish(std::unique_ptr<AuditTrail> trail, net::Response& response);

  void write(AuditStage stage);

 private:
  void read_answer(const net::Response& response);
  std::string event(AuditStage stage, WallTime now) const;
  // Whether the answer is one that takes as long as the client wants.
  bool goes_on() const;

  Audit& audit_;
  const std::string id_;
  const WallTime received_;
  std::string uri_, agent_;
  std::vector<std::string> addresses_;
  User user_;
  std::optional<User> acting_;
  AccessRequest access_;
  std::string uid_, version_;  // of the object, where the request says them
  AuditDecision decision_;
  bool unknown_ = false;  // who asks
  std::map<std::string, std::string> annotations_;
  std::string request_object_, response_object_;
  std::string status_;  // of the answer, JSON without its braces
  int code_ = 0;
};

}  // namespace kpp::apiserver
