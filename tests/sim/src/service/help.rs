//! `help.*`: the configuration, with the addresses of both data centres, which clients store in their sessions.

use std::net::SocketAddrV4;

use grammers_tl_types::{enums, functions, types};

use crate::HOME_DC;
use crate::clock;
use crate::dispatch::{Caller, Handler};
use crate::record::RpcError;

impl Handler for functions::help::GetConfig {
    fn handle(self, caller: &mut Caller) -> Result<enums::Config, RpcError> {
        let date = clock::unix();
        Ok(enums::Config::Config(types::Config {
            default_p2p_contacts: false,
            preload_featured_stickers: false,
            revoke_pm_inbox: true,
            blocked_mode: false,
            force_try_ipv6: false,
            date,
            expires: date + 3600,
            test_mode: false,
            this_dc: caller.origin.dc,
            dc_options: caller.world.addresses.iter().map(dc_option).collect(),
            dc_txt_domain_name: "localhost".to_owned(),
            chat_size_max: 200,
            megagroup_size_max: 200_000,
            forwarded_count_max: 100,
            online_update_period_ms: 210_000,
            offline_blur_timeout_ms: 5_000,
            offline_idle_timeout_ms: 30_000,
            online_cloud_timeout_ms: 300_000,
            notify_cloud_delay_ms: 30_000,
            notify_default_delay_ms: 1_500,
            push_chat_period_ms: 60_000,
            push_chat_limit: 2,
            edit_time_limit: 172_800,
            revoke_time_limit: i32::MAX,
            revoke_pm_time_limit: i32::MAX,
            rating_e_decay: 2_419_200,
            stickers_recent_limit: 200,
            channels_read_media_period: 604_800,
            tmp_sessions: None,
            call_receive_timeout_ms: 20_000,
            call_ring_timeout_ms: 90_000,
            call_connect_timeout_ms: 30_000,
            call_packet_timeout_ms: 10_000,
            me_url_prefix: "http://localhost/".to_owned(),
            autoupdate_url_prefix: None,
            gif_search_username: None,
            venue_search_username: None,
            img_search_username: None,
            static_maps_provider: None,
            caption_length_max: 1024,
            message_length_max: 4096,
            webfile_dc_id: HOME_DC,
            suggested_lang_code: None,
            lang_pack_version: None,
            base_lang_pack_version: None,
            reactions_default: None,
            autologin_token: None,
        }))
    }
}

impl Handler for functions::help::GetNearestDc {
    fn handle(self, caller: &mut Caller) -> Result<enums::NearestDc, RpcError> {
        Ok(enums::NearestDc::Dc(types::NearestDc {
            country: "SG".to_owned(),
            this_dc: caller.origin.dc,
            nearest_dc: HOME_DC,
        }))
    }
}

fn dc_option((dc, address): (&i32, &SocketAddrV4)) -> enums::DcOption {
    enums::DcOption::Option(types::DcOption {
        ipv6: false,
        media_only: false,
        tcpo_only: false,
        cdn: false,
        // grammers stores the addresses that are marked so. A session has those of the servers already.
        r#static: !address.ip().is_loopback(),
        this_port_only: false,
        id: *dc,
        ip_address: address.ip().to_string(),
        port: address.port().into(),
        secret: None,
    })
}
