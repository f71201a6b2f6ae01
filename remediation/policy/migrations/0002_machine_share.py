"""For how many tickets of a category the machine may sign: none, until somebody turns it on."""

from typing import ClassVar

from django.db import migrations, models

STEPS = (0, 5, 20, 50, 100)


class Migration(migrations.Migration):
    """One field of the policy, and the steps it knows."""

    dependencies: ClassVar = [("policy", "0001_initial")]
    operations: ClassVar = [
        migrations.AddField(
            model_name="categorypolicy",
            name="machine_share",
            field=models.PositiveSmallIntegerField(
                choices=[(step, f"{step} % of tickets" if step else "No ticket: off") for step in STEPS], default=0
            ),
        ),
        migrations.AddConstraint(
            model_name="categorypolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(machine_share__in=STEPS), name="machine_share_is_a_step"
            ),
        ),
    ]
