#include "apiserver/status_form.h"

#include "api/json_codec.h"
#include "api/metav1.h"
#include "api/proto_codec.h"
#include "apiserver/negotiation.h"
#include "codec/json.h"
#include "codec/yaml.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kHead = R"({"kind":"Status","apiVersion":"v1",)";

std::string for_eyes(const json::Value& document) {
  std::string out = json::write_pretty(document);
  if (!out.ends_with('\n')) out += '\n';
  return out;
}

}  // namespace

std::string status_envelope(std::string_view status_json) {
  metav1::Status status;
  // What cannot be read leaves a failure without words; the text is always one of ours.
  if (!api::from_json_text(status_json, metav1::Status::desc(), &status).ok())
    status.status = "Failure";
  return api::to_envelope(metav1::Status::desc(), &status);
}

void give_status_its_form(net::Response& response, const std::string& accept, bool pretty) {
  if (response.stream || response.body.size() != 1 || !response.body.front()->starts_with(kHead))
    return;
  net::Headers headers;
  headers.add("Accept", accept);
  const auto wanted = negotiate(headers, net::Query(), false);
  if (!wanted || (wanted->media == MediaType::kJson && !pretty)) return;
  const std::string_view text = *response.body.front();
  std::string formed;
  if (wanted->media == MediaType::kProtobuf) {
    formed = status_envelope(text);
  } else {
    const auto document = json::parse(text);
    if (!document) return;
    formed = wanted->media == MediaType::kYaml ? yaml::write(*document) : for_eyes(*document);
  }
  response.headers.set("Content-Type", wanted->content_type());
  response.body.front() = net::SharedBytes(std::make_shared<const std::string>(std::move(formed)));
}

}  // namespace kpp::apiserver
