"""Sending by several processes at once: each invoice is e-mailed once, and one that may have been is not sent again."""

import signal


def post_to_send(billing, finished, count, label):
    """A run, and the numbers of its invoices, all in the sending queue."""
    run = billing.open_run(billing.seed(count, label, posting_mode="send"))
    finished(billing.start("work"))
    with billing.environment() as env:
        return run, sorted(env["multiservice.billing.run"].browse(run).move_ids.mapped("name"))


def test_two_senders_share_the_queue(billing, mailbox, finished):
    run, invoices = post_to_send(billing, finished, 30, "Sent")
    finished(billing.start("send"), billing.start("send"))
    assert mailbox.invoices() == dict.fromkeys(invoices, 1)
    with billing.environment() as env:
        moves = env["multiservice.billing.run"].browse(run).move_ids
        assert all(move.is_move_sent and move.invoice_pdf_report_id and not move.sending_data for move in moves)
        assert len(moves.invoice_pdf_report_id) == len(moves)
        assert not env["mail.mail"].search_count([("model", "=", "account.move")])


def test_a_killed_sender_sends_nothing_twice(billing, mailbox, finished):
    run, invoices = post_to_send(billing, finished, 12, "Interrupted")
    sender = billing.start("send")

    def kill_on_the_fifth():
        """The mail server has taken the message; its sender dies before it hears of it."""
        if len(mailbox.messages()) == 5:
            sender.send_signal(signal.SIGKILL)
            sender.wait()

    mailbox.on_message = kill_on_the_fifth
    sender.communicate()
    assert len(mailbox.messages()) == 5
    finished(billing.start("send"))  # takes up the queue
    finished(billing.start("mails"))  # the e-mails that the killed one had prepared
    assert mailbox.invoices() == dict.fromkeys(invoices, 1)
    with billing.environment() as env:
        unsent = env["multiservice.billing.run"].browse(run).unsent_move_ids
        assert len(unsent) == 1, "whether the fifth arrived is for a person to find out"
        [notification] = unsent.message_ids.notification_ids
        assert "may have arrived" in notification.failure_reason
