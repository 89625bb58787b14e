//! What may be done within a session, beyond having it.

use serde::{Deserialize, Serialize};

use crate::role::words;

words! {
    /// A right that a policy, a user or a user group can carry. Without it the thing is refused.
    Right ("right") {
        /// `-L`, `-D` and `-W`: connections from the client through the server.
        ForwardLocal = "forward_local",
        /// `-R`: connections from the server's side back to the client.
        ForwardRemote = "forward_remote",
        /// The proxy-address side of `-R` accepts everybody.
        RemotePublic = "remote_public",
        /// Forwards to and from Unix sockets.
        ForwardUnix = "forward_unix",
        /// The person's agent is offered on to the server.
        Agent = "agent",
        /// X11 forwarding.
        X11 = "x11",
        /// RDP: clipboard from the client to the desktop.
        ClipboardIn = "clipboard_in",
        /// RDP: clipboard from the desktop to the client.
        ClipboardOut = "clipboard_out",
        /// RDP: files through the clipboard.
        ClipboardFiles = "clipboard_files",
        /// RDP: drives of the client.
        Drives = "drives",
        /// RDP: printers of the client.
        Printers = "printers",
        /// RDP: sound from the desktop.
        Audio = "audio",
        /// RDP: the client's microphone.
        Microphone = "microphone",
        /// RDP: smart cards of the client.
        Smartcard = "smartcard",
        /// RDP: USB devices of the client.
        Usb = "usb",
        /// Opening access at once, with a reason that is reviewed afterwards. Nothing within a session needs it.
        BreakGlass = "break_glass",
    }
}

/// The word is not a right.
pub type UnknownRight = crate::UnknownWord;
