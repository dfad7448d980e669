#include "kubelet/certificates/certificate_keeper.h"

#include <algorithm>

#include "async/wait.h"
#include "base/ids.h"

namespace kpp::kubelet {
namespace {

constexpr Duration kFirstPause = std::chrono::seconds(2);
constexpr Duration kLongestPause = std::chrono::seconds(32);

double random_share() {
  const std::string byte = random_bytes(1);
  return static_cast<double>(static_cast<unsigned char>(byte.at(0))) / 255;
}

}  // namespace

WallTime replacement_time(const net::x509::Validity& validity, double share) {
  const auto life = std::chrono::duration<double>(validity.not_after - validity.not_before);
  return validity.not_before + std::chrono::duration_cast<Duration>(life * (0.7 + 0.2 * share));
}

bool certifies(const net::x509::Subject& certificate, const net::x509::Subject& wanted) {
  const auto holds = [](std::vector<std::string> have, std::vector<std::string> needed) {
    std::ranges::sort(have);
    std::ranges::sort(needed);
    return std::ranges::includes(have, needed);
  };
  return certificate.common_name == wanted.common_name &&
         holds(certificate.organizations, wanted.organizations) &&
         holds(certificate.dns_names, wanted.dns_names) &&
         holds(certificate.ip_addresses, wanted.ip_addresses);
}

CertificateKeeper::CertificateKeeper(CertificateKeeperDeps deps, CertificateStore store,
                                     CertificateRequest wanted, Changed changed)
    : deps_(std::move(deps)),
      store_(std::move(store)),
      wanted_(std::move(wanted)),
      changed_(std::move(changed)),
      scope_(deps_.executor) {}

void CertificateKeeper::start(bool at_once) {
  const bool good = take_current();
  if (!good || at_once) replace_at_ = deps_.executor.wall();
  scope_.spawn(run());
}

async::Task<void> CertificateKeeper::stop() {
  scope_.request_stop();
  co_await scope_.join();
}

bool CertificateKeeper::take_current() {
  const auto pair = store_.current();
  if (!pair) return false;
  const auto info = net::x509::read_certificate(pair->certificate_pem);
  if (!info || info->validity.not_after <= deps_.executor.wall()) return false;
  changed_(*pair);
  replace_at_ = certifies(info->subject, wanted_.subject)
                    ? replacement_time(info->validity, random_share())
                    : deps_.executor.wall();
  return true;
}

async::Task<bool> CertificateKeeper::replace(async::StopToken stop) {
  deps_.log.info("Rotating certificates", {kv("signer", wanted_.signer)});
  auto pair = co_await request_certificate(deps_.executor, deps_.client, deps_.log, wanted_, stop);
  Status done = pair ? store_.update(*pair, deps_.executor.wall()) : std::move(pair).error();
  if (done.ok() && !take_current())
    done = Status(Reason::kInvalid, "the certificate that was signed cannot be used");
  if (!done.ok() && !stop.stop_requested()) {
    deps_.log.error("Failed to replace a certificate",
                    {kv("signer", wanted_.signer), kv("err", done.to_string())});
  }
  co_return done.ok();
}

async::Task<void> CertificateKeeper::run() {
  const async::StopToken stop = scope_.stop_token();
  Duration pause = kFirstPause;
  while (!stop.stop_requested()) {
    const WallTime now = deps_.executor.wall();
    if (now < replace_at_) {
      co_await async::sleep_for(deps_.executor, replace_at_ - now, stop);
      continue;
    }
    const bool replaced = co_await replace(stop);
    if (replaced) {
      pause = kFirstPause;
      // One that is due again at once is not asked for without a pause.
      if (deps_.executor.wall() < replace_at_) continue;
    }
    co_await async::sleep_for(deps_.executor, pause, stop);
    pause = std::min(pause * 2, kLongestPause);
  }
}

}  // namespace kpp::kubelet
